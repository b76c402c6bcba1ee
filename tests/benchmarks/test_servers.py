import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.contenders import BARE, CONTENDERS, SERVICE, Contender
from benchmarks.contenders.common.denoiser import GRAPH, Denoiser
from benchmarks.dialects import JSON
from benchmarks.environments import Unavailable
from benchmarks.images import noisy
from benchmarks.measure import measure
from benchmarks.servers import check_images, serving

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
IMAGES = noisy(2)
# What can run in the environment of the tests; the others have environments of their own.
HERE = [
    BARE,
    pytest.param(SERVICE, marks=pytest.mark.slow),
    pytest.param(CONTENDERS["naive"], marks=pytest.mark.slow),
]

LAZY = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    open(sys.argv[2], "w").write(str(os.getpid()))
    time.sleep(600)
os.wait()
{then}
"""


def lazy(folder: Path, then: str) -> Contender:
    """A program that leaves a daemon behind, and then does something else than to answer."""
    (folder / "lazy.py").write_text(LAZY.format(then=then))
    command = f"{{bin}}/{Path(sys.executable).name} {folder}/lazy.py {{port}} {folder}/daemon"
    return Contender("lazy", "Lazy", "", command, {"json": ("/", JSON)})


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("contender", HERE, ids=lambda contender: contender.name)
def test_a_contender_answers_rightly_under_load_and_leaves_nothing(
    contender: Contender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.measure.WARM_UP", 0.1)
    for body in contender.bodies:
        with serving(contender, PROGRAMS, body, IMAGES) as server:
            pids = server.processes()
            assert pids
            assert server.ready > 0
            run = measure(server, connections=2, seconds=0.2)
            assert set(run["statuses"]) == {"200"}
            assert (run["lost"], run["refused"]) == (0, 0)
        assert not any(map(is_there, pids))
        assert not server.body_file.parent.exists()


def test_a_body_that_a_contender_does_not_take_is_said() -> None:
    with (
        pytest.raises(Unavailable, match="expected a server that takes npy"),
        serving(CONTENDERS["naive"], PROGRAMS, "npy", IMAGES),
    ):
        pass


def test_a_program_that_ends_is_reported_with_what_it_said(tmp_path: Path) -> None:
    contender = lazy(tmp_path, "sys.exit('no such luck')")
    with (
        pytest.raises(Unavailable, match=r"received exit 1: .*no such luck"),
        serving(contender, PROGRAMS, "json", IMAGES),
    ):
        pass
    assert not is_there(int((tmp_path / "daemon").read_text()))


def test_a_program_that_never_answers_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.servers.PATIENCE", 1.0)
    contender = lazy(tmp_path, "time.sleep(600)")
    with (
        pytest.raises(Unavailable, match="expected an answer within 1 s, received none"),
        serving(contender, PROGRAMS, "json", IMAGES),
    ):
        pass
    assert not is_there(int((tmp_path / "daemon").read_text()))


def test_a_wrong_answer_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "answer").write_text(json.dumps({"outputs": np.zeros((2, 28, 28)).tolist()}))
    serve = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open(sys.argv[2].replace("daemon", "answer"), "rb").read())
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
    with (
        pytest.raises(Unavailable, match="expected the model's output within 1e-05"),
        serving(lazy(tmp_path, serve), PROGRAMS, "json", IMAGES),
    ):
        pass


def test_an_answer_is_compared_by_shape_and_by_numbers() -> None:
    expected = Denoiser()(IMAGES)
    check_images(expected + np.float32(1e-6), expected)
    for wrong in (expected[:1], expected + np.float32(1e-3), expected * np.float32("nan")):
        with pytest.raises(Unavailable, match="expected"):
            check_images(wrong, expected)


def test_the_contenders_run_the_newest_denoiser_that_is_shipped() -> None:
    [newest, *_] = sorted((ROOT / "models" / "denoising-dropout").iterdir(), reverse=True)
    assert newest / "denoiser.onnx" == GRAPH
