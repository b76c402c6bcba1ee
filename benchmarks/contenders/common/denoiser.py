"""The model that every contender runs, by the same runtime with the same options."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

GRAPH = Path(__file__).parents[3] / "models" / "denoising-dropout" / "1" / "denoiser.onnx"


class Denoiser:
    """Images to images: float32 (batch, 28, 28) -> the same shape.

    threads: of one call. One is what the service takes by itself: the model is so small that more
    of them cost more than they give. They do not spin while they wait, as they would take the time
    of the server and of the load generator.
    """

    def __init__(self, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs: list[NDArray[np.float32]] = self._session.run(None, {"images": images})
        return outputs[0]
