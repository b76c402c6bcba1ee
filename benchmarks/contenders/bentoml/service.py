"""BentoML: an adaptively batched API over numpy arrays; one worker, no logs, no metrics."""

import bentoml
import numpy as np
from denoiser import Denoiser


@bentoml.service(
    workers=1,
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class Service:
    """POST /denoise: {"inputs": nested lists} -> nested lists."""

    def __init__(self) -> None:
        self.denoiser = Denoiser()

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def denoise(self, inputs: np.ndarray) -> np.ndarray:
        return self.denoiser(inputs.astype(np.float32))
