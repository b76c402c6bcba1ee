"""Execution providers: which one is asked for, and which one really runs the models."""

import contextlib
import functools
import io
import logging
from dataclasses import dataclass
from typing import Literal

import onnxruntime as ort

from service.errors import StartupError
from service.inference.builds import ONE, installed_builds
from service.inference.openvino import OPENVINO, OpenVino

Device = Literal["auto", "cuda", "openvino", "cpu"]
ConvSearch = Literal["exhaustive", "heuristic", "default"]
Provider = str | tuple[str, dict[str, str]]
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
SETTING = "SERVICE_DEVICE (--device)"
"""How an operator sets the device."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cuda:
    """Options of ONNX Runtime's CUDA execution provider.

    Attributes:
        device_id: Number of the GPU, from 0.
        tf32: Whether matrix products round their inputs to 10 bits: faster, and far from the 1e-5
            that the export checks.
        conv_search: How cuDNN chooses the algorithm of a convolution.
        memory_bytes: Bytes of the memory arena, at most; 0 for all of the GPU's.
        graphs: Whether a CUDA graph is recorded for each shape and replayed.
    """

    device_id: int = 0
    tf32: bool = False
    conv_search: ConvSearch = "heuristic"
    memory_bytes: int = 0
    graphs: bool = False

    def options(self, *, graphs: bool) -> dict[str, str]:
        """Return the provider's options.

        Args:
            graphs: Whether the session can have CUDA graphs.
        """
        options = {
            "device_id": str(self.device_id),
            "use_tf32": str(int(self.tf32)),
            "cudnn_conv_algo_search": self.conv_search.upper(),
            "enable_cuda_graph": str(int(graphs and self.graphs)),
            # Grow by what is needed: powers of two soon hold memory that other processes need.
            "arena_extend_strategy": "kSameAsRequested",
        }
        return options | ({"gpu_mem_limit": str(self.memory_bytes)} if self.memory_bytes else {})


@dataclass(frozen=True)
class Execution:
    """How sessions run.

    Attributes:
        device: "cuda" and "openvino" fail where these do not run, "auto" takes CUDA or falls back
            to the CPU.
        threads: Threads of one run on the CPU, 0 for as many as are worth it.
        cuda: The options of CUDA.
        openvino: The options of OpenVINO.
    """

    device: Device = "cpu"
    threads: int = 0
    cuda: Cuda = Cuda()
    openvino: OpenVino = OpenVino()  # noqa: RUF009 - it is frozen


def providers(
    execution: Execution, *, graphs: bool = False, photographs: bool = True, threads: int = 1
) -> list[Provider]:
    """Return the execution providers to ask ONNX Runtime for, best first, with their options.

    OpenVINO stands alone: what it does not take is to fail, not to run elsewhere. It denoises
    photographs; codings and estimates of noise need float32, and are no faster on it.

    Args:
        execution: The device and its options.
        graphs: Whether the session can have CUDA graphs.
        photographs: Whether the session denoises photographs.
        threads: Threads of one run on the CPU, 1 or more.

    Raises:
        StartupError: Two builds of ONNX Runtime are installed, which overwrite each other's files;
            the device is "cuda", and the build or the libraries are without it; or the device is
            "openvino", and the build is without it or the processor without its precision.
    """
    builds = installed_builds()
    if len(builds) > 1:
        raise StartupError(
            f"expected one build of ONNX Runtime, received {' and '.join(builds)}: they overwrite "
            f"each other; {ONE}"
        )
    if execution.device == "cpu":
        return [CPU]
    available = ort.get_available_providers()
    if execution.device == "openvino":
        if OPENVINO not in available:
            raise _not_built_in(OPENVINO, "openvino", available)
        execution.openvino.check()
        return [(OPENVINO, execution.openvino.options(threads))] if photographs else [CPU]
    if CUDA not in available:
        if execution.device == "cuda":
            raise _not_built_in(CUDA, "gpu", available)
        return [CPU]
    if missing := missing_libraries():
        if execution.device == "cuda":
            raise StartupError(f"{SETTING}: expected the libraries of CUDA; {'; '.join(missing)}")
        _warn_once(CPU)
        return [CPU]
    return [(CUDA, execution.cuda.options(graphs=graphs)), CPU]


def check(device: Device, wanted: Provider, session: ort.InferenceSession) -> str:
    """Return the execution provider that a session really uses.

    ONNX Runtime falls back silently: a build with CUDA lists it as available even where the CUDA
    libraries or the GPU are missing.

    Args:
        device: The device that is set.
        wanted: The best of those that providers() returned for it.
        session: The session.

    Raises:
        StartupError: The device is "cuda" or "openvino", and the session does not use it.
    """
    used: str = session.get_providers()[0]
    expected = wanted if isinstance(wanted, str) else wanted[0]
    if device in ("cuda", "openvino") and used != expected:
        raise StartupError(
            f"{SETTING}: expected {expected}, received {used}; run: python -m service doctor"
        )
    if device == "auto" and used != CUDA and CUDA in ort.get_available_providers():
        _warn_once(used)
    return used


def _not_built_in(provider: str, extra: str, available: list[str]) -> StartupError:
    return StartupError(
        f"{SETTING}: expected a build of ONNX Runtime with {provider}, received one with "
        f"{', '.join(available)}; install the extra [{extra}] instead"
    )


@functools.cache
def missing_libraries() -> tuple[str, ...]:
    """Load the CUDA libraries that pip installs; return a message for each that cannot be loaded.

    They are outside of the dynamic linker's path; ONNX Runtime prints those that it misses.
    """
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        ort.preload_dlls(directory="")
    lines = printed.getvalue().splitlines()
    return tuple(line.partition(": ")[2] for line in lines if line.startswith("Failed to load"))


@functools.cache
def _warn_once(used: str) -> None:
    log.warning(
        "CUDA is built in and does not run; using %s. python -m service doctor says more", used
    )
