"""What will run the models on this machine, and what is missing."""

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import onnxruntime as ort

from service.cpus import usable_cpus
from service.errors import StartupError
from service.inference.device import (
    CUDA,
    Device,
    Execution,
    installed_builds,
    missing_libraries,
)
from service.inference.loader import find, load

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Finding:
    """What the doctor found of one thing, and what to do where it is not well."""

    what: str
    found: str
    advice: str = ""


def examine(root: Path, *, device: Device) -> list[Finding]:
    """Return what this machine offers to ONNX Runtime, and what a model really runs on.

    root: the folder of models, of which the first is opened on the device to see.
    """
    builds = installed_builds()
    findings = [
        Finding(
            "ONNX Runtime",
            ", ".join(f"{name} {metadata.version(name)}" for name in builds) or "none",
            "" if len(builds) == 1 else "install exactly one of the extras [cpu] and [gpu]",
        ),
        Finding("processors", str(usable_cpus())),
        Finding("built with", ", ".join(ort.get_available_providers())),
    ]
    if CUDA in ort.get_available_providers():
        findings += _cuda()
    else:
        missing = "not in this build: for an NVIDIA GPU, install the extra [gpu] in place of [cpu]"
        findings.append(Finding("CUDA", missing))
    return [*findings, _in_use(root, device)]


def _cuda() -> list[Finding]:
    """What CUDA needs: a driver, a GPU, and the libraries."""
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
            f"CUDA {ort.cuda_version} libraries",
            "; ".join(missing) or "all there",
            "install the extra [gpu], which brings them" if missing else "",
        ),
    ]


def _in_use(root: Path, device: Device) -> Finding:
    folders = find(root)
    if not folders:
        return Finding("in use", "unknown", f"no model in {root} to try it with")
    try:
        used = load(folders[0], execution=Execution(device)).provider
    except StartupError as error:
        return Finding("in use", "none", str(error))
    advice = ""
    if device == "cpu":
        return Finding("in use", used)
    if used != CUDA and NVIDIA_DRIVER.exists() and CUDA not in ort.get_available_providers():
        advice = "there is an NVIDIA GPU, and this build cannot use it: install the extra [gpu]"
    if used != CUDA and CUDA in ort.get_available_providers():
        advice = (
            "CUDA is built in and does not run: check nvidia-smi and the CUDA and cuDNN libraries"
        )
    return Finding("in use", used, advice)
