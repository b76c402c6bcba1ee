"""python -m service doctor, on machines where something is missing, broken or there twice."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import onnxruntime as ort
import pytest

from service.cli import main
from service.inference import builds, device, doctor
from service.manifest import FILE_NAME
from tests.service.running import ROOT
from tests.service.tiny import write_model


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of all installed packages but ONNX Runtime."""
    folder = tmp_path / "packages"
    folder.mkdir()
    installed = Path(ort.__file__).parents[1]
    for path in installed.iterdir():
        if not path.name.startswith(("onnxruntime", "__pycache__")):
            (folder / path.name).symlink_to(path)
    return folder


def install(packages: Path, distribution: str) -> None:
    """Install a distribution as far as it is known to have been."""
    folder = packages / f"{distribution.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")


def run(packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with these packages alone."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "service", *arguments],
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def is_missing(packages: Path) -> None:
    """Install nothing."""


def is_broken(packages: Path) -> None:
    install(packages, "onnxruntime")
    (packages / "onnxruntime").mkdir()
    (packages / "onnxruntime" / "__init__.py").write_text(
        "raise ImportError('libonnxruntime.so.1')"
    )


def is_half_uninstalled(packages: Path) -> None:
    install(packages, "onnxruntime-gpu")
    (packages / "onnxruntime" / "capi").mkdir(parents=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "known", "cause", "advice"),
    [
        (is_missing, "none", "No module named 'onnxruntime'", "install one of the extras"),
        (is_broken, "onnxruntime 1.0", "libonnxruntime.so.1", "uninstall all of them"),
        (
            is_half_uninstalled,
            "onnxruntime-gpu 1.0",
            "module 'onnxruntime' has no attribute 'get_available_providers'",
            "uninstall all of them",
        ),
    ],
)
def test_a_build_that_cannot_be_imported_is_reported_by_every_command(
    models: Path,
    packages: Path,
    prepare: Callable[[Path], None],
    known: str,
    cause: str,
    advice: str,
) -> None:
    prepare(packages)
    flags = (f"--models={models}", "--device=cpu")
    report = run(packages, "doctor", *flags)
    assert report.stderr == ""
    assert report.returncode == 1
    assert f"ONNX Runtime: {known}\n" in report.stdout
    assert f"received {cause}" in report.stdout
    assert advice in report.stdout
    assert f" versions in {models}\n" in report.stdout
    for command in (["serve", "--port=0"], ["models"], ["denoise", "a.png", "--output=b.png"]):
        ended = run(packages, *command, *flags)
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()
        assert line.startswith("Cannot start: ONNX Runtime: expected a build that can be imported")
        assert cause in line
        assert advice in line


@pytest.mark.slow
@pytest.mark.parametrize("other", ["onnxruntime-gpu", "onnxruntime-openvino"])
def test_two_builds_are_one_too_many(models: Path, packages: Path, other: str) -> None:
    own = metadata.distribution("onnxruntime")
    for name in ("onnxruntime", f"onnxruntime-{own.version}.dist-info"):
        (packages / name).symlink_to(Path(ort.__file__).parents[1] / name)
    flags = (f"--models={models}", "--device=cpu")
    assert run(packages, "doctor", *flags).returncode == 0
    install(packages, other)
    report = run(packages, "doctor", *flags)
    assert report.returncode == 1
    assert report.stderr == ""
    first, advice, *_ = report.stdout.splitlines()
    assert first == f"ONNX Runtime: onnxruntime {own.version}, {other} 1.0"
    assert advice == f"  -> {builds.ONE}"
    assert "in use: none\n  -> expected one build of ONNX Runtime" in report.stdout
    ended = run(packages, "models", *flags)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Cannot start: expected one build of ONNX Runtime")


def report(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["doctor", f"--models={root}", "--device=cpu"])
    return status, capsys.readouterr().out


def broken_link(version: Path) -> Path:
    shutil.rmtree(version.parent)
    version.parent.symlink_to("nowhere")
    return version.parent


def link_to_itself(version: Path) -> Path:
    shutil.rmtree(version)
    version.symlink_to(version.name)
    return version


def no_manifest_but_a_folder(version: Path) -> Path:
    (version / FILE_NAME).unlink()
    (version / FILE_NAME).mkdir()
    return version / FILE_NAME


def damaged_manifest(version: Path) -> Path:
    (version / FILE_NAME).write_bytes(b'{"name": "\xff')
    return version / FILE_NAME


def closed_folder(version: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may read any folder")
    version.chmod(0)
    return version / FILE_NAME


def no_number(version: Path) -> Path:
    return version.rename(version.with_name("one"))


def another_digest(version: Path) -> Path:
    with (version / "denoise.onnx").open("ab") as graph:
        graph.write(b"\0")
    return version / "denoise.onnx"


def no_graph(version: Path) -> Path:
    (version / "denoise.onnx").unlink()
    return version / "denoise.onnx"


def another_number(version: Path) -> Path:
    return version.rename(version.with_name("7"))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (another_digest, "expected SHA-256 "),
        (no_graph, "expected the graph of denoise, received: No such file"),
        (another_number, "expected the folder half/1 that its manifest describes"),
        (broken_link, "No such file or directory"),
        (link_to_itself, "Too many levels of symbolic links"),
        (no_manifest_but_a_folder, "Is a directory"),
        (damaged_manifest, "expected JSON"),
        (closed_folder, "Permission denied"),
        (no_number, "a version that is no number"),
    ],
)
def test_a_model_that_cannot_be_read_is_named_and_the_others_are_reported(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], Path],
    fault: str,
) -> None:
    write_model(tmp_path, "mirror")
    place = spoil(write_model(tmp_path, "half"))
    status, told = report(tmp_path, capsys)
    assert status == 1
    assert f"{place}: {fault}" in told
    assert f"models: 1 versions in {tmp_path}\n" in told
    assert "in use: CPUExecutionProvider\n" in told


@pytest.mark.parametrize("kind", ["nothing", "a file", "an empty folder"])
def test_a_folder_without_models_is_reported_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    root = tmp_path / "models"
    if kind == "a file":
        root.write_text("")
    elif kind == "an empty folder":
        root.mkdir()
    status, told = report(root, capsys)
    assert status == 1
    assert f"  -> no model in {root}: SERVICE_MODELS (--models)" in told
    faults = {"nothing": f"{root}: No such file", "a file": f"{root}: Not a directory"}
    assert faults.get(kind, "") in told


def test_a_graph_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = write_model(tmp_path, "half") / "denoise.onnx"
    graph.unlink()
    graph.mkdir()
    status, told = report(tmp_path, capsys)
    assert status == 1
    assert f"{graph}: expected the graph of denoise, received: Is a directory" in told
    assert main(["models", f"--models={tmp_path}", "--device=cpu"]) == 1
    assert capsys.readouterr().err.startswith(f"Cannot start: {graph}: expected the graph")


def advice(root: Path, wanted: device.Device = "auto") -> str:
    """The advice on the execution provider in use."""
    return doctor.examine(root, device=wanted)[-1].advice


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A build with CUDA on a machine without its libraries, as far as ONNX Runtime says."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: [device.CUDA, device.CPU])
    monkeypatch.setattr(ort, "preload_dlls", lambda directory: None)
    device.missing_libraries.cache_clear()
    yield monkeypatch
    device.missing_libraries.cache_clear()


def test_an_nvidia_gpu_that_this_build_cannot_use_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_model(tmp_path, "half")
    assert advice(tmp_path) == ""
    found = {each.what: each.found for each in doctor.examine(tmp_path, device="auto")}
    assert "not in this build: for an NVIDIA GPU, install the extra [gpu]" in found["CUDA"]
    assert "install the extra [gpu]" in advice(tmp_path, "cuda")
    driver = tmp_path / "version"
    driver.write_text("NVRM version: 1\n")
    monkeypatch.setattr(doctor, "NVIDIA_DRIVER", driver)
    assert "there is an NVIDIA GPU" in advice(tmp_path)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_cuda_that_does_not_run_is_reported(cuda: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_model(tmp_path, "half")
    assert "nvidia-smi" in advice(tmp_path)


def test_libraries_of_cuda_that_are_missing_are_named(
    cuda: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = "Failed to load libcublas.so.13: libcublas.so.13: cannot open shared object file\n"
    cuda.setattr(ort, "preload_dlls", lambda directory: print(line + "Please follow"))
    write_model(tmp_path, "half")
    findings = {each.what: each for each in doctor.examine(tmp_path, device="auto")}
    libraries = next(each for what, each in findings.items() if what.endswith("libraries"))
    assert libraries.found == "libcublas.so.13: cannot open shared object file"
    assert "install the extra [gpu]" in libraries.advice
    assert findings["NVIDIA driver"].advice or findings["NVIDIA driver"].found != "none"
