"""Throughput of image codecs over the same photographs, in turn."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import FOLDER, ROOT, SERVICE, Contender
from benchmarks.environments import Unavailable, prepare, tail, version
from benchmarks.photographs.peers import CODECS
from benchmarks.photographs.pictures import Pixels, as_file, megapixels, noisy, sized
from benchmarks.photographs.runs import told
from benchmarks.table import table
from service.images import png_encoder as png
from service.images.decode import read

SIZE = 0.7
"""Megapixels of each photograph."""
LOSSY = 1.0
"""Grey levels that two right decoders of JPEG or WebP may differ by, on average."""
WRITTEN = {
    "8 bits": ("8", "clean"),
    "8 bits, noise": ("8", "noisy"),
    "16 bits, noise": ("16", "deep"),
}
"""What is written as PNG: its depth, and the photographs' name."""
READ = ("PNG", "PNG16", "JPEG", "WebP")


@dataclass
class Row:
    """What one way to write or to read gave: seconds for all photographs, in each round.

    what: of WRITTEN or READ; size: megapixels of all; bytes: of the files; reason: why there is
    nothing, or no more.
    """

    what: str
    codec: str
    settings: str
    size: float
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    bytes: int = 0
    reason: str = ""


class Program:
    """A codec's program that runs, and does one thing at a time."""

    def __init__(self, title: str, process: "subprocess.Popen[str]", log: Path) -> None:
        self.title = title
        self._process = process
        self._log = log
        self.offers = self._answer()

    def ask(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Return what it says of a task: seconds and cpu, or the reason why not."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise Unavailable(f"expected an answer, received: {tail(self._log.read_text())}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def measure(
    sources: Sequence[Pixels], rounds: int, programs: Mapping[str, Path] | None = None
) -> list[Row]:
    """Return what the service's codecs and all others gave that can be set up.

    programs: folders of programs of the environments that are there, by contender; the others are
    left out. None for all, set up where they are not yet.
    """
    with ExitStack() as cleaning:
        folder = Path(cleaning.enter_context(tempfile.TemporaryDirectory()))
        sets = _prepared([sized(source, SIZE) for source in sources], folder)
        size = megapixels([np.load(path) for path in sets["clean"]])
        rows: list[Row] = []
        running: dict[str, Program] = {}
        for contender in (SERVICE, *CODECS):
            if programs is not None and contender.name not in programs:
                continue
            try:
                folder_of = programs[contender.name] if programs else prepare(contender)
                title = f"{contender.title} {version(contender)}"
                program = cleaning.enter_context(_running(contender, title, folder_of, folder))
                running[title] = program
            except Unavailable as error:
                rows.append(Row("", contender.title, "", size, reason=str(error)))
        rows += _rows(running, size)
        for number in range(rounds):
            for row in rows:
                if not row.reason:
                    _run(row, running[row.codec], sets, folder, is_first=number == 0)
        print(f"codecs: {', '.join(running)}", file=sys.stderr)
    return rows


def _prepared(clean: Sequence[Pixels], folder: Path) -> dict[str, list[Path]]:
    """Pixels and files to start from, each once for every photograph, by name."""
    sets: dict[str, list[Path]] = {}
    for number, pixels in enumerate(clean):
        grainy = noisy(pixels, seed=number)
        deep = noisy(pixels, seed=number, depth=16)
        for name, each in (("clean", pixels), ("noisy", grainy), ("deep", deep)):
            path = folder / f"{name}{number}.npy"
            np.save(path, each)
            sets.setdefault(name, []).append(path)
        for kind in READ:
            file = png.encode(deep, None) if kind == "PNG16" else as_file(grainy, kind)
            path = folder / f"{number}.{kind}"
            path.write_bytes(file)
            sets.setdefault(kind, []).append(path)
    return sets


def _rows(running: Mapping[str, Program], size: float) -> list[Row]:
    return [
        Row(what, title, settings, size)
        for what, (depth, _) in WRITTEN.items()
        for title, program in running.items()
        for settings in program.offers["writers"].get(depth, ())
    ] + [
        Row(kind, title, "", size)
        for kind in READ
        for title, program in running.items()
        if kind in program.offers["readers"]
    ]


def _run(
    row: Row, program: Program, sets: Mapping[str, list[Path]], folder: Path, *, is_first: bool
) -> None:
    """Write or read all photographs once more; in the first round twice, and look at the result."""
    seconds = cpu = 0.0
    sizes = 0
    target = folder / "result"
    for source in sets[WRITTEN[row.what][1] if row.what in WRITTEN else row.what]:
        task: dict[str, Any] = {"from": str(source), "to": str(target)}
        if row.what in WRITTEN:
            task["write"] = [WRITTEN[row.what][0], row.settings]
        else:
            task["read"] = row.what
        if is_first:  # which does not count
            row.reason = str(program.ask(task).get("reason", "")) or _fault(row, source, target)
            if row.reason:
                return
        took = program.ask(task)
        seconds += took["seconds"]
        cpu += took["cpu"]
        sizes += (target if row.what in WRITTEN else source).stat().st_size
    row.seconds.append(seconds)
    row.cpu.append(cpu)
    row.bytes = sizes


def _fault(row: Row, source: Path, target: Path) -> str:
    """Return what is wrong with a result, "" for nothing: PNG loses nothing, the others little."""
    if row.what in WRITTEN:
        expected, received = np.load(source), read(target.read_bytes(), 1 << 30).pixels
    else:
        expected, received = read(source.read_bytes(), 1 << 30).pixels, np.load(target)
    if (received.shape, received.dtype) != (expected.shape, expected.dtype):
        return (
            f"expected {expected.dtype} {expected.shape}, received {received.dtype} "
            f"{received.shape}"
        )
    error = float(np.abs(received.astype(np.int32) - expected).mean())
    if error > (LOSSY if row.what in ("JPEG", "WebP") else 0):
        return f"expected the same pixels, received some {error:.2f} off on average"
    return ""


@contextmanager
def _running(contender: Contender, title: str, programs: Path, folder: Path) -> Iterator[Program]:
    """Start a codec's program, with a log of its own, and end it afterwards."""
    if contender is SERVICE:
        words, place, common = [f"{programs}/python", "-m", "benchmarks.photographs.ours"], ROOT, ""
    else:
        words, place = contender.command.format(bin=programs).split(), contender.folder
        common = str(FOLDER / "common")
    log = folder / f"{contender.name}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            words,
            cwd=place,
            env={**os.environ, "PYTHONPATH": common, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):  # which closes its input, so that it ends, and waits for it
        yield Program(title, process, log)


def tables(rows: Sequence[Row]) -> str:
    """Return what was measured as tables."""
    parts = []
    for what in (*WRITTEN, *READ):
        some = [row for row in rows if row.what == what and row.seconds]
        verb = f"{what} to PNG" if what in WRITTEN else f"{what} to pixels"
        head = ["codec", "MP/s", "MP per processor second", "bytes per pixel", "settings"]
        parts.append(f"### {verb}\n\n{table(head, [_cells(row) for row in some])}")
    failed = [row for row in rows if row.reason]
    if failed:
        lines = [f"- {row.codec} {row.settings} {row.what}: {row.reason}" for row in failed]
        parts.append("### Not measured\n\n" + "\n".join(lines) + "\n")
    return "## Codecs\n\n" + "\n".join(parts)


def _cells(row: Row) -> list[str]:
    return [
        row.codec,
        told([row.size / each for each in row.seconds], 1),
        told([row.size / each for each in row.cpu], 1),
        f"{row.bytes / row.size / 1e6:.2f}",
        row.settings,
    ]
