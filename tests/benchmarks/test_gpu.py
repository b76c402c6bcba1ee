"""Tests of the benchmarks for GPUs, on the CPU: all but what needs CUDA."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gpu.bundle import REQUIREMENTS, spread, without_libraries
from benchmarks.gpu.clock import Clock, limit
from benchmarks.gpu.install import join
from benchmarks.gpu.rows import Row, row, tables
from tests.service.tiny import write_model

ROOT = Path(__file__).parents[2]
SMALL = {
    "--sizes": "0.01",
    "--tile": "64",
    "--count": "4",
    "--side": "32",
    "--connections": "1",
    "--seconds": "0.01",
}


@pytest.mark.slow
def test_every_part_is_measured_on_the_cpu_and_written_as_it_comes(tmp_path: Path) -> None:
    write_model(tmp_path, "photo")
    picture = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    np.save(tmp_path / "picture.npy", picture)
    (tmp_path / "denoising-dropout").symlink_to(ROOT / "models/denoising-dropout")
    paths = {"models": "", "graphs": "none", "picture": "picture.npy", "out": "out"}
    options = [word for name, path in paths.items() for word in (f"--{name}", str(tmp_path / path))]
    options += [word for pair in SMALL.items() for word in pair]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SERVICE_LOG_LEVEL": "error"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [row(line) for line in (tmp_path / "out/gpu.jsonl").read_text().splitlines()]
    found = {(each.table.split(":")[0].split(",")[0], each.what): each for each in rows}
    assert found["Parity with the CPU", "photo denoise"].values["largest difference"] == 0
    for name in ("Photographs in tiles", "Photographs"):
        speed = found[name, "0.01 MP"].values["MP/s"]
        assert isinstance(speed, float)
        assert speed > 0
    assert found["Small requests", "1 connections"].note == ""
    assert "+" in str(found["Memory over photographs of many sizes", "growth after 1 sizes"].values)
    assert found["Settings", "TF32"].note == found["Settings", "CUDA graphs"].note == "needs CUDA"
    assert found["Types", "float16"].values["dB to float32"]
    assert found["Types", "bfloat16 rounded in float32"].values["dB to float32"]
    assert "needs CUDA" in found["TensorRT", "TensorRT"].note
    assert (tmp_path / "out/gpu.md").read_text() == done.stdout.removesuffix("\n")


def test_a_part_has_the_time_that_those_before_it_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("benchmarks.gpu.clock.time.monotonic", lambda: now)
    clock = Clock(100, now)
    assert limit([1, 1, 2], 0, clock) == 25
    now = 10.0
    assert limit([1, 1, 2], 1, clock) == 40
    now = 90.0
    assert limit([1, 1, 2], 2, clock) == clock.left == 10


def test_rows_survive_json_and_become_a_table_for_each_title() -> None:
    rows = [
        Row("One", "a", {"ms": 1234.5, "MB": None}),
        Row("Two", "b", note="no"),
        Row("One", "c", {"ms": 0.01234, "levels": "x"}, "y"),
    ]
    assert [row(each.line()) for each in rows] == rows
    text = tables(rows)
    assert json.loads(rows[0].line())["values"] == {"ms": 1234.5, "MB": None}
    assert [line for line in text.splitlines() if line.startswith("###")] == ["### One", "### Two"]
    assert "| a |  1,234 |  - |      - |       |" in text
    assert "| c | 0.0123 |  - |      x | y     |" in text


def test_a_bundle_leaves_out_the_libraries_of_cuda_alone() -> None:
    text = REQUIREMENTS.read_text()
    less = without_libraries(text)
    assert "\nnvidia-cudnn" in text
    assert "nvidia-" not in less
    assert "onnxruntime-gpu[cuda, cudnn]==" in less
    others = [line.split("==")[0] for line in text.splitlines() if line[0] not in "# n"]
    assert others == [line.split("==")[0] for line in less.splitlines() if line[0] not in " n"]
    assert "\nnumpy==" in less


def test_wheels_spread_over_folders_are_the_same_once_joined(tmp_path: Path) -> None:
    wheels = {"a.whl": bytes(range(25)), "b.whl": b"b" * 8, "c.whl": b"c" * 5}
    for name, content in wheels.items():
        (tmp_path / name).write_bytes(content)
    spread(tmp_path, 10)
    folders = sorted(tmp_path.iterdir())
    sizes = [sum(file.stat().st_size for file in folder.iterdir()) for folder in folders]
    assert sizes == [10, 10, 8, 10]
    join(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.whl")} == wheels
