"""The commands `denoise` and `encode` on a cluster of two nodes, with a bucket."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.seaweed import client
from tests.ray.conftest import NEEDS_RAY
from tests.ray.gated_store import WriteGate, gated
from tests.ray.replicas import wait_for
from tests.ray.two_nodes import two_nodes
from tests.service.command_files import files
from tests.service.object_store import store_in
from tests.service.photograph_files import encoded, opened
from tests.service.running import ROOT
from tests.service.tiny import write_model

pytest.importorskip("ray", reason=NEEDS_RAY)
obstore = pytest.importorskip("obstore")

THUMBNAILS, SHARD, PHOTOGRAPHS = 200, 2, 24
START = 240
"""Seconds for a command whose processes start on a busy machine."""


class Bench:
    """A cluster, a bucket and models; the commands run in processes of their own."""

    def __init__(self, cluster: Any, store: dict[str, str], gate: WriteGate, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.store = store
        self.gate = gate
        self.flags = [f"--models={folder / 'models'}", "--device=cpu"]

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "service", *words, *self.flags],
            cwd=ROOT,
            env=os.environ | self.store,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> str:
        with self.start(*words) as process:
            _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
        return told

    def ray(self) -> list[str]:
        return ["--ray", self.cluster.address]

    def names(self, prefix: str) -> list[str]:
        return [each["path"] for page in obstore.list(client(self.store), prefix) for each in page]

    def objects(self, prefix: str) -> dict[str, bytes]:
        bucket = client(self.store)
        return {
            name.removeprefix(f"{prefix}/"): bytes(obstore.get(bucket, name).bytes())
            for name in self.names(prefix)
        }

    def actors(self) -> list[int]:
        """The processes of the actors of this cluster."""
        session = Path(self.cluster.head_node.get_session_dir_path())
        mine = f"RAY_TMPDIR={session.parents[1]}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                name = (path / "cmdline").read_bytes()
                told = (path / "environ").read_bytes()
            except OSError:
                continue
            if name.startswith(b"ray::MapWorker") and mine in told.split(b"\0"):
                found.append(int(path.name))
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    for kind in ("mirror", "photo"):
        write_model(folder / "models", kind)
    with (
        store_in(tmp_path_factory.mktemp("store")) as environment,
        gated(environment) as (behind, gate),
        two_nodes(behind, gpus=1) as cluster,
    ):
        yield Bench(cluster, behind, gate, folder)


def fill(bench: Bench, prefix: str, count: int, side: int, mode: str) -> Path:
    """Put pictures of noise into the bucket and into a folder; return that."""
    bucket, folder = client(bench.store), bench.folder / prefix
    shape = (count, side, side, 3)[: 3 if mode == "L" else 4]
    folder.mkdir()
    for number, each in enumerate(np.random.default_rng(0).integers(0, 256, shape, np.uint8)):
        body = encoded(Image.fromarray(each), "PNG")
        (folder / f"{number:03}.png").write_bytes(body)
        obstore.put(bucket, f"{prefix}/{number:03}.png", body)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def test_codings_are_those_of_one_machine_although_a_process_is_killed(bench: Bench) -> None:
    folder = fill(bench, "thumbnails", THUMBNAILS, 4, "L")
    words = ["--model=mirror", f"--shard={SHARD}"]
    bench.run("encode", str(folder), "-o", str(bench.folder / "one"), *words)
    output = "s3://bucket/codings"
    words += ["--gpus-per-actor=0.5", *bench.ray()]
    bench.gate.limit("codings/part-", 4)
    with bench.start("encode", "s3://bucket/thumbnails", "-o", output, *words) as run:
        # Four parts, and _run.json.
        wait_for(lambda: len(bench.names("codings")) == 5 and bench.gate.waiting > 0, START)
        os.kill(bench.actors()[0], signal.SIGKILL)
        assert len(bench.names("codings")) == 5
        bench.gate.open()
        _, told = run.communicate(timeout=300)
    assert run.returncode == 0, told
    assert f"encoded: {THUMBNAILS}, failed: 0" in told
    expected = {
        name: (bench.folder / "one" / name).read_bytes() for name in files(folder.parent / "one")
    }
    found = bench.objects("codings")
    assert found.keys() == expected.keys()
    assert {name for name in found if found[name] != expected[name]} == {"_run.json"}  # has marks


def test_a_run_whose_driver_and_whose_node_were_killed_is_resumed(bench: Bench) -> None:
    folder = fill(bench, "photographs", PHOTOGRAPHS - 1, 200, "RGB")
    cut = encoded(Image.fromarray(np.zeros((200, 200, 3), np.uint8)), "JPEG")[:-50]
    (folder / "cut.jpg").write_bytes(cut)  # the last one
    obstore.put(client(bench.store), "photographs/cut.jpg", cut)
    accept = "--truncated=accept"
    bench.run("denoise", str(folder), "-o", str(bench.folder / "clean"), accept)
    report = bench.folder / "report.jsonl"
    words = [
        "denoise",
        "s3://bucket/photographs",
        "-o",
        "s3://bucket/clean",
        accept,
        "--report",
        str(report),
    ]
    bench.gate.limit("clean/", 4)
    with bench.start(*words, *bench.ray()) as killed:
        wait_for(lambda: len(bench.names("clean")) == 4 and bench.gate.waiting > 0, START)
        killed.kill()
    wait_for(lambda: not bench.actors(), START)
    bench.gate.drop()
    partly = bench.objects("clean")
    assert len(partly) == 4
    assert all(opened(each).size == (200, 200) for each in partly.values())
    bench.gate.limit("clean/", 4)
    with bench.start(*words, "--resume", *bench.ray()) as run:
        wait_for(lambda: len(bench.names("clean")) == 8 and bench.gate.waiting > 0, START)
        node = bench.cluster.worker_nodes.pop()
        node.kill_all_processes(check_alive=False, allow_graceful=False)
        assert len(bench.names("clean")) == 8
        bench.gate.open()
        _, told = run.communicate(timeout=300)
    assert run.returncode == 0, told
    assert "s3://bucket/photographs/cut.jpg: " in told  # what its reading warns of
    assert bench.objects("clean") == contents(bench.folder / "clean")
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert {line["status"] for line in lines} == {"written"}
    assert len({line["source"] for line in lines}) == len(lines)
