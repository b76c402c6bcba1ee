"""Diagnosis: what will run the models on this machine, and what is missing.

It reports an ONNX Runtime that is missing or broken: what needs it is imported late.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from service.cpus import usable_cpus
from service.errors import StartupError
from service.inference.builds import ONE, available_providers, installed_builds
from service.inference.intact import verify
from service.inference.openvino import OPENVINO, OpenVino, Precision, bfloat16_instructions
from service.manifest import FILE_NAME, Manifest
from service.pydantic_errors import explain

if TYPE_CHECKING:
    from service.inference.device import Device

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        what: The subject.
        found: Its state.
        advice: How to mend it, "" if it is well.
    """

    what: str
    found: str
    advice: str = ""


def examine(root: Path, *, device: "Device", precision: Precision = "bf16") -> list[Finding]:
    """Report ONNX Runtime, what it can use and the models, and on what one of these runs.

    Args:
        root: The folder of models, which are all verified; the first that is intact is loaded, on
            OpenVINO the first of photographs.
        device: The device to load it on.
        precision: That of OpenVINO.
    """
    builds = installed_builds()
    known = ", ".join(f"{name} {version}" for name, version in builds.items())
    findings = [
        Finding("ONNX Runtime", known or "none", ONE if len(builds) > 1 else ""),
        Finding("CPUs", str(usable_cpus())),
        Finding("bfloat16 instructions", ", ".join(bfloat16_instructions()) or "none"),
    ]
    intact, models = _models(root)
    try:
        available = available_providers()
    except StartupError as error:
        return [*findings, Finding("execution providers", "none", str(error)), *models]
    findings.append(Finding("execution providers", ", ".join(available)))
    if "CUDAExecutionProvider" in available:
        findings += _cuda()
    else:
        missing = "not in this build: for an NVIDIA GPU, install the extra [gpu] in place of [cpu]"
        findings.append(Finding("CUDA", missing))
    findings.append(Finding("OpenVINO", _openvino(OPENVINO in available)))
    findings += models
    return [*findings, _in_use(intact, device, precision)] if intact else findings


def _openvino(built_in: bool) -> str:
    """Say whether OpenVINO can be used, and how."""
    if built_in:
        return "in this build: SERVICE_DEVICE=openvino denoises photographs with it"
    if bfloat16_instructions():
        return "not in this build: for photographs in bfloat16, install the extra [openvino]"
    return "not in this build"


def _cuda() -> list[Finding]:
    """Report what CUDA needs: a driver, a GPU, and the libraries."""
    import onnxruntime

    from service.inference.device import missing_libraries

    driver = NVIDIA_DRIVER.read_text().splitlines()[0] if NVIDIA_DRIVER.exists() else "none"
    gpus = sorted(path.name for path in NVIDIA_GPUS.glob("*"))
    missing = missing_libraries()
    return [
        Finding(
            "NVIDIA driver",
            driver,
            "" if driver != "none" else "install it on the host, and give the container its GPUs",
        ),
        Finding("GPUs", ", ".join(gpus) or "none", "" if gpus else "none can be seen from here"),
        Finding(
            f"CUDA {onnxruntime.cuda_version} libraries",
            "; ".join(missing) or "complete",
            "install the extra [gpu], which brings them" if missing else "",
        ),
    ]


def _models(root: Path) -> tuple[list[Path], list[Finding]]:
    """Return the folders of versions that are intact, and a report on all of them."""
    intact: list[Path] = []
    faults: list[Finding] = []
    has_any = False
    for model in _folders(root, faults):
        for version in _folders(model, faults):
            manifest = version / FILE_NAME
            try:
                if not manifest.exists():
                    continue
                has_any = True
                described = Manifest.read(version)
                if version.name.isdecimal():
                    verify(version, described)
            except StartupError as error:
                what, _, fault = str(error).partition(": ")
                faults.append(Finding(what, fault, "copy the version anew, or export it again"))
            except OSError as error:
                faults.append(_unreadable(manifest, error))
            except ValidationError as error:
                faults.append(Finding(str(manifest), explain(error), "export the model anew"))
            else:
                if version.name.isdecimal():
                    intact.append(version)
                else:
                    faults.append(Finding(str(version), "a version that is no number", "rename it"))
    none = f"no model in {root}: SERVICE_MODELS (--models) names the folder of models"
    count = Finding("models", f"{len(intact)} versions in {root}", "" if has_any else none)
    return intact, [count, *faults]


def _folders(folder: Path, faults: list[Finding]) -> Iterator[Path]:
    """Yield the folders in a folder that are not hidden; report what cannot be read."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        faults.append(_unreadable(folder, error))
        return
    for path in paths:
        try:
            if not path.name.startswith(".") and stat.S_ISDIR(path.stat().st_mode):
                yield path
        except OSError as error:  # a broken link, for one
            faults.append(_unreadable(path, error))


def _unreadable(path: Path, error: OSError) -> Finding:
    return Finding(str(path), error.strerror or str(error), "make it readable, or remove it")


def _in_use(folders: list[Path], device: "Device", precision: Precision) -> Finding:
    """Load a model, and report the execution provider that runs it."""
    from service.inference.device import CUDA, Execution
    from service.inference.loader import load

    folder = folders[0]
    if device == "openvino":
        folder = next((each for each in folders if _of_photographs(each)), folder)
    try:
        used = load(folder, execution=Execution(device, openvino=OpenVino(precision))).provider
    except StartupError as error:
        return Finding("in use", "none", str(error))
    advice = ""
    if device in ("auto", "cuda") and used != CUDA:
        if CUDA in available_providers():
            advice = "CUDA does not run: check nvidia-smi and the CUDA and cuDNN libraries"
        elif NVIDIA_DRIVER.exists():
            advice = "there is an NVIDIA GPU, and this build cannot use it: install the extra [gpu]"
    return Finding("in use", used, advice)


def _of_photographs(folder: Path) -> bool:
    return any(each.tiles for each in Manifest.read(folder).operations.values())
