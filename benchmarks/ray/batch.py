"""python -m benchmarks.ray.batch: `denoise` and `encode` on a cluster that loses a node.

.venv/ray/bin/python runs it, which `make test-ray` installs. The cluster has several nodes in this
machine; the store is the one of AWS_ENDPOINT_URL, in which `bucket` is empty, or a SeaweedFS. Each
command loses a node, with all its processes, once it has written a third; then it is run again, to
resume. A recorder in front of the store counts what is written.
"""

import argparse
import io
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks.machine import machine
from benchmarks.processes import none_left
from benchmarks.ray import nodes, pictures
from benchmarks.ray.store import store
from benchmarks.ray.tap import tapped
from benchmarks.ray.watched import ROOT, Command, Seen, watch
from benchmarks.seaweed import BUCKET, URL, client
from benchmarks.table import table

if TYPE_CHECKING:
    from obstore.store import S3Store

SAMPLE = 50
"""Photographs of a run that are compared with those of one machine."""
PARTS = 20
"""Parts of the codings."""
HEADS = (
    "run",
    "written",
    "twice",
    "s",
    "items/s",
    "actor, MB",
    "driver, MB",
    "all, MB",
    "read again",
    "the first after, s",
    "the last after, s",
    "pause, s",
    "resumed, s",
    "reads, writes of that",
)


@dataclass(frozen=True)
class Case:
    """What is run.

    Attributes:
        title: In the table.
        prefix: Of the pictures in the bucket.
        files: The pictures.
        encodes: Whether they are encoded, or else denoised.
    """

    title: str
    prefix: str
    files: dict[str, bytes]
    encodes: bool = False

    def command(self, output: str, *more: str) -> list[str]:
        """Return the words of the command, from the bucket to an output."""
        return self.words(f"s3://{BUCKET}/{self.prefix}", output, *more)

    def words(self, source: str, output: str, *more: str) -> list[str]:
        """Return the words of the command."""
        shard = max(1, len(self.files) // PARTS)
        how = ["--model=stacked", f"--shard={shard}"] if self.encodes else ["--model=photo"]
        name = "encode" if self.encodes else "denoise"
        return [name, source, "-o", output, *how, "--device=cpu", *more]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ray.batch", description=__doc__)
    parser.add_argument("--thumbnails", type=int, default=10_000)
    parser.add_argument("--photographs", type=int, default=500)
    parser.add_argument("--photos", type=Path, help="a folder that photographs are cut out of")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", default=[""], help="parts of the names of the runs to measure"
    )
    options = parser.parse_args()
    print(machine())
    small = dict(pictures.thumbnails(options.thumbnails))
    large = dict(pictures.photographs(options.photographs, options.photos))
    tenth = [dict(list(each.items())[: len(each) // 10]) for each in (small, large)]
    cases = [
        Case(f"{len(small):,} thumbnails encoded", "thumbnails", small, encodes=True),
        Case(f"{len(small):,} thumbnails denoised", "thumbnails", small),
        Case(f"{len(large):,} photographs denoised", "photographs", large),
        Case("a tenth of both, mixed, denoised", "mixed", dict(pictures.mixed(*tenth))),
    ]
    rows = []
    with (
        none_left(),
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        store(Path(folder)) as environment,
        tapped(environment[URL]) as (url, requests),
        nodes.cluster(environment | {URL: url}, options.nodes) as made,
    ):
        for case in cases:
            if any(part in case.title for part in options.only):
                row = _row(case, client(environment), environment | {URL: url}, made, requests)
                print(" | ".join(row), flush=True)
                rows.append(row)
    print(f"\n{table(HEADS, rows)}")


def _row(
    case: Case, bucket: "S3Store", environment: dict[str, str], made: Any, requests: Any
) -> list[str]:
    """Run a case, check what it wrote, run it again, and return its row."""
    pictures.put(bucket, case.prefix, case.files)
    output = f"{'codings' if case.encodes else 'clean'}-{case.prefix}"
    ray = ["--ray", made.address]
    pattern = re.compile(rf"^/{BUCKET}/{output}/(?!_)")
    count = min(PARTS, len(case.files)) if case.encodes else len(case.files)
    command = Command(
        case.command(f"s3://{BUCKET}/{output}", *ray),
        f"/{BUCKET}/{case.prefix}/",
        pattern,
        count,
        environment,
    )
    seen = watch(command, requests, lambda: nodes.kill(made))
    print(f"{case.title}: {seen}", flush=True)
    _check(case, bucket, output)
    nodes.add(made)
    words = [*command.words, *([] if case.encodes else ["--resume"])]
    resumed = watch(Command(words, command.inputs, pattern, count, environment), requests)
    return _cells(case, seen, resumed)


def _cells(case: Case, seen: Seen, resumed: Seen) -> list[str]:
    after = [f"{each:.1f}" for each in seen.again] or ["-", "-"]
    return [
        case.title,
        f"{seen.written:,}",
        f"{seen.twice} ({seen.refused} refused)",
        f"{seen.seconds:.0f}",
        f"{len(case.files) / seen.seconds:.0f}",
        *(f"{each / 1e6:.0f}" for each in (seen.actor, seen.driver, seen.whole)),
        f"{seen.reads[1]}",
        *after,
        f"{seen.pause:.1f}",
        f"{resumed.seconds:.0f}",
        f"{resumed.reads[0]}, {resumed.written}",
    ]


def _check(case: Case, bucket: "S3Store", output: str) -> None:
    """Compare what is in the bucket with what one machine writes. Raises RuntimeError."""
    import obstore

    found = {
        each["path"].removeprefix(f"{output}/"): bytes(obstore.get(bucket, each["path"]).bytes())
        for page in obstore.list(bucket, f"{output}/")
        for each in page
    }
    parts = {name: file for name, file in found.items() if not name.startswith("_")}
    if case.encodes:
        _check_rows(case, parts)
    else:
        _check_pictures(case, parts)
    step = 1 if case.encodes else max(1, len(case.files) // SAMPLE)
    sample = dict(list(case.files.items())[::step])
    with tempfile.TemporaryDirectory() as folder:
        for name, file in sample.items():
            path = Path(folder, "in", name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file)
        target = Path(folder, "out")
        words = case.words(f"{folder}/in", str(target), "--threads=1")
        subprocess.run(
            [sys.executable, "-m", "service", *words], cwd=ROOT, check=True, capture_output=True
        )
        expected = {each.name: each.read_bytes() for each in target.glob("[!_]*")}
    if any(parts[name] != file for name, file in expected.items()):
        raise RuntimeError(f"{case.title}: expected the bytes of one machine, received others")


def _check_rows(case: Case, parts: dict[str, bytes]) -> None:
    from pyarrow import parquet

    tables = [parquet.read_table(io.BytesIO(file)) for file in parts.values()]
    paths = [path for each in tables for path in each["path"].to_pylist()]
    if sorted(paths) != sorted(case.files):
        raise RuntimeError(f"expected a row for each input, received {len(paths)} rows")


def _check_pictures(case: Case, found: dict[str, bytes]) -> None:
    if found.keys() != case.files.keys():
        raise RuntimeError(f"expected {len(case.files)} objects, received {len(found)}")
    for name, file in found.items():
        with Image.open(io.BytesIO(file)) as clean, Image.open(io.BytesIO(case.files[name])) as own:
            clean.load()
            if clean.size != own.size:
                raise RuntimeError(f"{name}: expected {own.size}, received {clean.size}")


if __name__ == "__main__":
    main()
