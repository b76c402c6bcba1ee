"""Several processes train a denoiser of photographs as one does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from training.cli import main
from training.datasets.photos import Folder, Photos, Pixels
from training.photo import checkpoint
from training.photo.loop import CHECKPOINT
from training.photo.processes import Alone
from training.photo.shares import Shares

PROGRAM = Path(__file__).with_name("small_training.py")
ENVIRONMENT = os.environ | {
    "KERAS_BACKEND": "torch",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "PYTHONUNBUFFERED": "1",
}

needs_torch = pytest.mark.skipif(not find_spec("torch"), reason="PyTorch is not installed")


@dataclass(frozen=True)
class Numbers:
    """A batch: the numbers of its samples."""

    numbers: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


class Counting:
    """Batches of as many samples as the size says."""

    photos = Photos(Path("none"), ())

    def draw(self, number: int, size: int, arrays: list[Pixels]) -> Numbers:
        return Numbers(np.arange(size))


@pytest.mark.parametrize(("samples", "count"), [(64, 2), (7, 2), (7, 3), (1, 2), (4, 8)])
def test_the_shares_of_a_batch_make_it_up(samples: int, count: int) -> None:
    shares = [Shares(Counting(), n, count).draw(0, samples, []) for n in range(count)]
    assert sum(share.weight for share in shares) == pytest.approx(1)
    counted = [number for each in shares if each.weight for number in each.batch.numbers]
    assert counted == list(range(samples))
    for share in shares:
        assert len(share.batch.numbers) * share.parts == pytest.approx(samples)
        assert share.weight in (0, pytest.approx(len(share.batch.numbers) / samples))


def test_collective_operations_of_one_process_return_what_they_are_given() -> None:
    alone = Alone()
    assert alone.first(lambda: 3) == alone.once_a_machine(lambda: 3) == 3
    assert alone.sum([2.0], 0.5) == [1.0]


@pytest.mark.skipif(not find_spec("tensorflow"), reason="TensorFlow is not installed")
def test_several_processes_need_pytorch(
    photographs: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    expected = "KERAS_BACKEND: expected torch for several processes, received tensorflow"
    words = ["train", "photo", "--photos", str(photographs.root)]
    with pytest.raises(SystemExit, match=expected):
        main([*words, "--processes", "2"])
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit, match=expected):
        main(words)


def _train(pictures: Sequence[Path], folder: Path, stop_after: int = 0) -> list[tuple[int, str]]:
    """Run a process for each folder of pictures; return their exit statuses and errors."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    running = [
        subprocess.Popen(
            [sys.executable, PROGRAM, each, folder, str(stop_after)],
            env=ENVIRONMENT
            | together
            | {"WORLD_SIZE": str(len(pictures)), "RANK": str(number), "LOCAL_RANK": str(number)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, each in enumerate(pictures)
    ]
    errors = [each.communicate(timeout=300)[1] for each in running]
    return [(each.returncode, text) for each, text in zip(running, errors, strict=True)]


def _weights(folder: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    import h5py

    found: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []

    def keep(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(np.asarray(item, np.float32).ravel())

    with h5py.File(folder / "photo.weights.h5") as file:
        file.visititems(keep)
    return np.concatenate(found)


@needs_torch
@pytest.mark.slow
def test_a_training_goes_on_with_other_processes_to_the_same_weights(
    photographs: Folder, tmp_path: Path
) -> None:
    alone, divided = tmp_path / "alone", tmp_path / "divided"
    assert _train([photographs.root], alone)[0][0] == 0
    stopped = _train([photographs.root] * 2, divided, stop_after=5)
    assert [status for status, _ in stopped] == [130, 130]
    assert checkpoint.position(divided / CHECKPOINT).step in (5, 6)
    ended = _train([photographs.root] * 3, divided)
    assert [status for status, _ in ended] == [0, 0, 0], ended
    expected = checkpoint.position(alone / CHECKPOINT)
    received = checkpoint.position(divided / CHECKPOINT)
    assert (received.step, received.pixels) == (expected.step, expected.pixels) == (12, 83712)
    np.testing.assert_allclose(_weights(divided), _weights(alone), atol=1e-4)
    assert not (divided / "photos.bin").exists()


@needs_torch
@pytest.mark.slow
def test_a_process_that_dies_ends_the_others(photographs: Folder, tmp_path: Path) -> None:
    first, last = _train([photographs.root] * 2, tmp_path / "run", stop_after=-3)
    assert last[0] == -signal.SIGKILL
    assert first[0] == 1
    assert "ConnectionError: process 0 of 2: expected the others to go on, received" in first[1]


@needs_torch
@pytest.mark.slow
def test_processes_that_have_other_photographs_are_refused(
    photographs: Folder, tmp_path: Path
) -> None:
    (fewer := tmp_path / "fewer").mkdir()
    for path in photographs.paths[:3]:
        (fewer / path.name).symlink_to(path)
    _, last = _train([photographs.root, fewer], tmp_path / "run")
    assert last[0] == 1
    assert "ValueError: process 1: expected validation" in last[1]


@pytest.fixture
def launched(photographs: Folder, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The command line with two processes, and the folder of its run, once it trains."""
    words = ["train", "photo", "--photos", str(photographs.root), "--processes", "2"]
    others = ["--validation", str(photographs.root), "--runs", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-m", "training", *words, *others],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout is not None
        while "photographs of" not in (line := running.stdout.readline()):
            assert line, "it ended"
        # They train from when each has started another that makes batches.
        until = time.monotonic() + 120
        while not all("spawn_main" in _commands(child) for child in _children(running.pid)):
            assert time.monotonic() < until
            time.sleep(0.1)
        yield running, tmp_path / "photo"
        running.kill()


LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
"""127.0.0.1 and ::1 in /proc/net."""

in_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@in_proc
@needs_torch
@pytest.mark.slow
def test_a_signal_to_the_launcher_ends_all_with_a_checkpoint(
    launched: tuple[subprocess.Popen[str], Path],
) -> None:
    running, folder = launched
    assert _listeners(running.pid) <= LOOPBACK
    running.terminate()
    announced, _ = running.communicate(timeout=300)
    assert running.returncode == 130, announced
    assert "stopped; call it again to resume after the last checkpoint" in announced
    assert checkpoint.position(folder / CHECKPOINT).step > 0


@in_proc
@needs_torch
@pytest.mark.slow
def test_the_launcher_names_the_process_that_died(
    launched: tuple[subprocess.Popen[str], Path],
) -> None:
    running, _ = launched
    (second,) = (child for child in _children(running.pid) if _number(child) == "1")
    os.kill(second, signal.SIGKILL)
    announced, _ = running.communicate(timeout=300)
    assert running.returncode == 1
    assert "ChildProcessError: process 1 of 2: expected an end without an error" in announced


def _children(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return [int(each) for path in threads for each in (path / "children").read_text().split()]


def _listeners(process: int) -> set[str]:
    """Return the addresses at which a process or one that it has started listens, in hexadecimal.

    Source: proc_net_tcp(5), in which 0A is the state LISTEN.
    """
    found, processes = set(), [process]
    for each in processes:
        processes += _children(each)
    sockets = {
        str(path.readlink()) for each in processes for path in Path(f"/proc/{each}/fd").iterdir()
    }
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].partition(":")[0])
    return found


def _commands(process: int) -> str:
    """Return the command lines of a process's children."""
    return " ".join(Path(f"/proc/{each}/cmdline").read_text() for each in _children(process))


def _number(process: int) -> str:
    """Return the number that the launcher gave to a process."""
    variables = Path(f"/proc/{process}/environ").read_text().split("\0")
    named = dict(each.split("=", 1) for each in variables if each)
    return named.get("RANK", "")
