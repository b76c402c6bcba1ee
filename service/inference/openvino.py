"""ONNX Runtime's OpenVINO execution provider: photographs in bfloat16 where the processor has it.

This module does not import ONNX Runtime: doctor reports the processor without it, too.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.errors import StartupError

Precision = Literal["bf16", "f32"]
OPENVINO = "OpenVINOExecutionProvider"
SETTING = "SERVICE_OPENVINO_PRECISION (--openvino-precision)"
"""How an operator sets the precision."""
CPUINFO = Path("/proc/cpuinfo")
"""The processor's flags, by Linux."""
BFLOAT16 = ("avx512_bf16", "amx_bf16")
"""Instructions that multiply bfloat16. Without them OpenVINO computes in float32, or emulates
bfloat16 more slowly than float32, and says neither."""
KERNELS = 100
"""Kernels that each session keeps. OpenVINO makes a set of them for every size of a tile, and its
own limit of 5000 lets memory grow with each of hundreds of sizes."""


@dataclass(frozen=True)
class OpenVino:
    """Options of the OpenVINO execution provider.

    Attributes:
        precision: What convolutions multiply: "bf16" fails where the processor has no instructions
            for it; "f32" is ONNX Runtime's own precision.
    """

    precision: Precision = "bf16"

    def check(self) -> None:
        """Check that the processor computes in the precision.

        Raises:
            StartupError: It has no instructions for it.
        """
        if self.precision == "bf16" and not bfloat16_instructions():
            raise StartupError(
                f"{SETTING}: expected a processor with {' or '.join(BFLOAT16)} for bf16, "
                "received one without; f32 runs on any, and SERVICE_DEVICE=cpu is about as fast"
            )

    def options(self, threads: int) -> dict[str, str]:
        """Return the provider's options.

        Args:
            threads: Threads of one run, 1 or more.
        """
        properties = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": str(threads),
            "NUM_STREAMS": "1",  # one run at a time, on all threads
            # Several workers would pin their threads to the same processors.
            "ENABLE_CPU_PINNING": "NO",
            "CPU_RUNTIME_CACHE_CAPACITY": str(KERNELS),
        }
        return {"device_type": "CPU", "load_config": json.dumps({"CPU": properties})}


def bfloat16_instructions() -> tuple[str, ...]:
    """Return those of BFLOAT16 that the processor has, none where Linux does not tell."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return ()
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return tuple(each for each in BFLOAT16 if each in flags)
