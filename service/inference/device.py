"""Which execution provider runs the models, and whether it really does."""

import contextlib
import functools
import io
import logging
from dataclasses import dataclass
from typing import Literal

import onnxruntime as ort

from service.errors import StartupError
from service.inference.builds import ONE, installed_builds

Device = Literal["auto", "cuda", "cpu"]
ConvSearch = Literal["exhaustive", "heuristic", "default"]
Provider = str | tuple[str, dict[str, str]]
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
SETTING = "SERVICE_DEVICE (--device)"
"""What an operator asks for a device by."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cuda:
    """How CUDA runs a graph, of the options of ONNX Runtime's CUDA execution provider.

    tf32: products with inputs of 10 bits, faster and far from the 1e-5 that the export checks;
    conv_search: how cuDNN's convolutions are chosen; memory_bytes: the most that the arena takes,
    0 for all; graphs: replay a recorded graph of kernels for each shape.
    """

    device_id: int = 0
    tf32: bool = False
    conv_search: ConvSearch = "heuristic"
    memory_bytes: int = 0
    graphs: bool = False

    def options(self, *, graphs: bool) -> dict[str, str]:
        """Return the provider's options; graphs: whether this session can have them."""
        options = {
            "device_id": str(self.device_id),
            "use_tf32": str(int(self.tf32)),
            "cudnn_conv_algo_search": self.conv_search.upper(),
            "enable_cuda_graph": str(int(graphs and self.graphs)),
            # Grow by what is needed: doubling would soon hold memory that others want.
            "arena_extend_strategy": "kSameAsRequested",
        }
        return options | ({"gpu_mem_limit": str(self.memory_bytes)} if self.memory_bytes else {})


@dataclass(frozen=True)
class Execution:
    """How sessions run: the device, the threads of one run on the CPU, the options of CUDA."""

    device: Device = "cpu"
    threads: int = 0
    cuda: Cuda = Cuda()


def providers(execution: Execution, *, graphs: bool = False) -> list[Provider]:
    """Return the execution providers to ask ONNX Runtime for, best first, with their options.

    graphs: whether the session can replay CUDA graphs.

    Raises StartupError where both builds of ONNX Runtime are installed (they overwrite each
    other's files), and where "cuda" is asked for from a build without it.
    """
    builds = installed_builds()
    if len(builds) > 1:
        raise StartupError(
            f"expected one build of ONNX Runtime, received {' and '.join(builds)}: they overwrite "
            f"each other; {ONE}"
        )
    if execution.device == "cpu":
        return [CPU]
    if CUDA not in ort.get_available_providers():
        if execution.device == "cuda":
            raise StartupError(
                f"{SETTING}: expected a build of ONNX Runtime with {CUDA}, received one with "
                f"{', '.join(ort.get_available_providers())}; "
                "install the extra [gpu] instead"
            )
        return [CPU]
    if missing := missing_libraries():
        if execution.device == "cuda":
            raise StartupError(f"{SETTING}: expected the libraries of CUDA; {'; '.join(missing)}")
        _warn_once(CPU)
        return [CPU]
    return [(CUDA, execution.cuda.options(graphs=graphs)), CPU]


def check(device: Device, session: ort.InferenceSession) -> str:
    """Return the execution provider that a session really uses.

    ONNX Runtime falls back in silence: a build with CUDA lists it as available where the CUDA
    libraries or the GPU are missing. Raises StartupError where "cuda" was asked for and is not
    used.
    """
    used: str = session.get_providers()[0]
    if device == "cuda" and used != CUDA:
        raise StartupError(
            f"{SETTING}: expected {CUDA}, received {used}; run: python -m service doctor"
        )
    if device == "auto" and used != CUDA and CUDA in ort.get_available_providers():
        _warn_once(used)
    return used


@functools.cache
def missing_libraries() -> tuple[str, ...]:
    """Load the CUDA libraries that pip installs, and return what could not be loaded, in words.

    They lie where the loader does not look by itself; ONNX Runtime prints what it misses.
    """
    with contextlib.redirect_stdout(io.StringIO()) as told:
        ort.preload_dlls(directory="")
    lines = told.getvalue().splitlines()
    return tuple(line.partition(": ")[2] for line in lines if line.startswith("Failed to load"))


@functools.cache
def _warn_once(used: str) -> None:
    log.warning(
        "CUDA is built in and does not run; using %s. python -m service doctor says more", used
    )
