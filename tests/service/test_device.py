"""The execution provider that is asked for, and the one that is really used."""

from pathlib import Path

import onnxruntime as ort
import pytest

from service.errors import StartupError
from service.inference import device
from service.inference.device import Cuda, Execution
from service.inference.session import Session
from tests.service.tiny import halve, write_graph


def pretend_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build with CUDA says on a machine without the CUDA libraries."""
    available = [device.CUDA, device.CPU]
    monkeypatch.setattr(ort, "get_available_providers", lambda: available)
    monkeypatch.setattr(ort, "preload_dlls", lambda directory: None)
    device.missing_libraries.cache_clear()


def test_cpu_never_asks_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda(monkeypatch)
    assert device.providers(Execution("cpu")) == [device.CPU]


def test_auto_asks_for_cuda_first_where_it_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device.providers(Execution("auto")) == [device.CPU]
    pretend_cuda(monkeypatch)
    best, second = device.providers(Execution("auto"))
    assert isinstance(best, tuple)
    first, options = best
    assert (first, second) == (device.CUDA, device.CPU)
    assert options["use_tf32"] == "0"


def test_cuda_fails_where_it_is_not_built_in() -> None:
    with pytest.raises(
        StartupError, match=r"SERVICE_DEVICE \(--device\): expected .* install the extra \[gpu\]"
    ):
        device.providers(Execution("cuda"))


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_cuda_fails_where_it_is_built_in_and_does_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend_cuda(monkeypatch)
    operation = write_graph(halve(), tmp_path / "graph.onnx")
    with pytest.raises(StartupError, match=f"expected {device.CUDA}, received {device.CPU}"):
        Session(tmp_path / "graph.onnx", operation, Execution("cuda"))


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_auto_falls_back_with_a_warning_where_cuda_does_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pretend_cuda(monkeypatch)
    device._warn_once.cache_clear()
    operation = write_graph(halve(), tmp_path / "graph.onnx")
    for _ in range(2):
        assert Session(tmp_path / "graph.onnx", operation, Execution("auto")).provider == device.CPU
    assert caplog.text.count("CUDA is built in and does not run") == 1


def test_libraries_of_cuda_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pretend_cuda(monkeypatch)
    told = "Failed to load libcublas.so.13: libcublas.so.13: cannot open shared object file\n"
    monkeypatch.setattr(ort, "preload_dlls", lambda directory: print(told + "Please follow"))
    device.missing_libraries.cache_clear()
    device._warn_once.cache_clear()
    with pytest.raises(StartupError, match=r"expected the libraries of CUDA; libcublas\.so\.13"):
        device.providers(Execution("cuda"))
    assert device.providers(Execution("auto")) == [device.CPU]
    assert "CUDA is built in and does not run" in caplog.text
    device.missing_libraries.cache_clear()


def test_the_options_of_cuda_follow_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda(monkeypatch)
    cuda = Cuda(device_id=2, tf32=True, conv_search="exhaustive", memory_bytes=1000, graphs=True)
    for graphs in (True, False):
        best, _ = device.providers(Execution("cuda", cuda=cuda), graphs=graphs)
        assert best[1] == {
            "device_id": "2",
            "use_tf32": "1",
            "cudnn_conv_algo_search": "EXHAUSTIVE",
            "enable_cuda_graph": str(int(graphs)),
            "arena_extend_strategy": "kSameAsRequested",
            "gpu_mem_limit": "1000",
        }


def test_two_builds_of_onnx_runtime_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "installed_builds", lambda: ["onnxruntime", "onnxruntime-gpu"])
    with pytest.raises(StartupError, match="expected one build"):
        device.providers(Execution("cpu"))
