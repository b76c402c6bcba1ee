"""Triton Inference Server through PyTriton: dynamic batching before one Python model."""

import os
import sys

import numpy as np
from denoiser import Denoiser
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

denoise = Denoiser()


@batch
def infer(images):
    """Images to images, as many requests at once as Triton put together."""
    return [denoise(images)]


if __name__ == "__main__":
    port = int(sys.argv[1])
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=port,
        allow_grpc=False,
        allow_metrics=False,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="denoiser",
            infer_func=infer,
            inputs=[Tensor(name="images", dtype=np.float32, shape=(28, 28))],
            outputs=[Tensor(name="reconstructions", dtype=np.float32, shape=(28, 28))],
            config=ModelConfig(
                # Of images: one request may not bring more than a batch holds.
                max_batch_size=max(64, int(os.environ["IMAGES"])),
                batcher=DynamicBatcher(max_queue_delay_microseconds=500),
            ),
            strict=False,
        )
        triton.serve()
