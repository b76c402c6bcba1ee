"""The card: its name and its memory in use, as the driver's nvidia-smi tells them."""

import os
import subprocess

import onnxruntime as ort

from benchmarks.gpu.rows import Value
from benchmarks.machine import machine
from benchmarks.processes import peak_bytes
from service import __version__

MEGABYTE = 1 << 20
"""nvidia-smi counts in MiB."""


def described(device: str) -> str:
    """Return the card and the software, in words; without CUDA, that it is the CPU."""
    title, driver = "the CPU provider, without a GPU", ""
    if device == "cuda":
        title = f"one {_ask('name') or 'GPU that nvidia-smi does not name'}"
        driver = f"driver {_ask('driver_version') or 'unknown'}, "
    built = f" for CUDA {ort.cuda_version}" if getattr(ort, "cuda_version", "") else ""
    return (
        f"## On {title}\n\n"
        f"{driver}ONNX Runtime {ort.__version__}{built}, service {__version__}; {machine()}\n"
    )


def used_megabytes(device: str) -> float | None:
    """Return the memory of the card that all processes use, None for the CPU or where unknown."""
    text = _ask("memory.used") if device == "cuda" else ""
    return int(text) * MEGABYTE / 1e6 if text.isdecimal() else None


def memory(device: str, pids: set[int] | None = None) -> dict[str, Value]:
    """Return the columns of memory: of the card, and the most that processes ever had (VmHWM).

    Args:
        device: "cuda" or "cpu".
        pids: The processes, this one by default.
    """
    return {
        "GPU memory, MB": used_megabytes(device),
        "peak of the process, MB": peak_bytes(pids or {os.getpid()}) / 1e6,
    }


def _ask(what: str) -> str:
    """Return what nvidia-smi says of the first card that this process sees; "" for nothing."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(
            [*command, *(["--id", visible] if visible else [])],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.splitlines()[0].strip() if found.strip() else ""
