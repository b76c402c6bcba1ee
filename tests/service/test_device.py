"""The execution provider that is asked for, and the one that is really used."""

from pathlib import Path

import onnxruntime as ort
import pytest

from service.errors import StartupError
from service.inference import device
from service.inference.session import Session
from tests.service.tiny import halve, write_graph


def pretend_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build with CUDA says on a machine without the CUDA libraries."""
    available = [device.CUDA, device.CPU]
    monkeypatch.setattr(ort, "get_available_providers", lambda: available)
    monkeypatch.setattr(ort, "preload_dlls", lambda directory: None)


def test_cpu_never_asks_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda(monkeypatch)
    assert device.providers("cpu") == [device.CPU]


def test_auto_asks_for_cuda_first_where_it_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device.providers("auto") == [device.CPU]
    pretend_cuda(monkeypatch)
    assert device.providers("auto") == [(device.CUDA, {"use_tf32": "0"}), device.CPU]


def test_cuda_fails_where_it_is_not_built_in() -> None:
    with pytest.raises(StartupError, match=r"install the extra \[gpu\]"):
        device.providers("cuda")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_cuda_fails_where_it_is_built_in_and_does_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend_cuda(monkeypatch)
    operation = write_graph(halve(), tmp_path / "graph.onnx")
    with pytest.raises(StartupError, match=f"expected {device.CUDA}, received {device.CPU}"):
        Session(tmp_path / "graph.onnx", operation, device="cuda")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_auto_falls_back_with_a_warning_where_cuda_does_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pretend_cuda(monkeypatch)
    device._warn_once.cache_clear()
    operation = write_graph(halve(), tmp_path / "graph.onnx")
    for _ in range(2):
        assert Session(tmp_path / "graph.onnx", operation, device="auto").provider == device.CPU
    assert caplog.text.count("CUDA is built in and does not run") == 1


def test_two_builds_of_onnx_runtime_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "installed_builds", lambda: ["onnxruntime", "onnxruntime-gpu"])
    with pytest.raises(StartupError, match="expected one build"):
        device.providers("cpu")


def test_the_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not any(finding.advice for finding in device.examine(device.CPU))
    assert device.examine(None)[-1].advice
    monkeypatch.setattr(device, "NVIDIA_DRIVER", tmp_path)
    assert "install the extra [gpu]" in device.examine(device.CPU)[-1].advice
    pretend_cuda(monkeypatch)
    assert "nvidia-smi" in device.examine(device.CPU)[-1].advice
    assert not device.examine(device.CUDA)[-1].advice


@pytest.mark.parametrize(("content", "cpus"), [("200000 100000", 2), ("max 100000", None)])
def test_the_quota_of_a_container_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, cpus: int | None
) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(content)
    monkeypatch.setattr(device, "CPU_MAX", path)
    assert device.cgroup_quota() == cpus
    monkeypatch.setattr(device, "CPU_MAX", tmp_path / "nothing")
    assert device.cgroup_quota() is None


def test_a_quota_below_one_processor_still_leaves_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "cpu.max"
    path.write_text("50000 100000")
    monkeypatch.setattr(device, "CPU_MAX", path)
    assert device.usable_cpus() == 1
