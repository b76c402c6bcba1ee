"""The settings of ONNX Runtime's CUDA provider beside those that the service has by default.

Options: https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
"""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from benchmarks.gpu.card import used_megabytes
from benchmarks.gpu.clock import milliseconds, timed
from benchmarks.gpu.rows import Row, reason
from benchmarks.gpu.stand import SMALL, Stand, Tuned, as_inputs
from benchmarks.images import noisy as noisy_images
from service.inference.pixels import Floats
from service.inference.session import Session

DEFAULT = "as by default"
SOME = {
    DEFAULT: Tuned(),
    "TF32": Tuned(tf32=True),
    "exhaustive search": Tuned(conv_search="exhaustive"),
    "channels last": Tuned(more={"prefer_nhwc": "1"}),
    "TF32, channels last, exhaustive search": Tuned(
        tf32=True, conv_search="exhaustive", more={"prefer_nhwc": "1"}
    ),
    "less workspace": Tuned(more={"cudnn_conv_use_max_workspace": "0"}),
    "bias fused": Tuned(more={"fuse_conv_bias": "1"}),
}
"""For photographs."""
OF_SMALL = {DEFAULT: Tuned(), "CUDA graphs": Tuned(graphs=True), "TF32": Tuned(tf32=True)}
"""For small requests."""
BATCHES = (1, 8, 64)
WARM = 64
"""Pixels along a side of what runs before, at most: all of a small image."""


def measure(stand: Stand) -> Iterator[Row]:
    """Yield a row for each setting, of a tile of a photograph and of batches of small images."""
    pixels = as_inputs(stand.square()[1])
    side = stand.options.tile
    yield from _all(stand, f"Settings: a tile of {side}x{side}", stand.options.model, SOME, pixels)
    for batch in BATCHES:
        title = f"Settings: images of 28x28, {batch} at a time"
        yield from _all(stand, title, SMALL, OF_SMALL, noisy_images(batch))


def _all(
    stand: Stand, title: str, model: str, settings: Mapping[str, Tuned], inputs: Floats
) -> Iterator[Row]:
    reference: Floats | None = None
    # What CUDA and cuDNN load once in a process is not the first setting's.
    stand.session(model).run(inputs[:1, :WARM, :WARM])
    for name, cuda in settings.items():
        if stand.device == "cpu" and name != DEFAULT:
            yield Row(title, name, note="needs CUDA")
        elif stand.clock.left < 0:
            yield Row(title, name, note="no time was left")
        else:
            try:
                row, outputs = _one(stand, title, name, stand.session(model, cuda), inputs)
            except Exception as error:  # noqa: BLE001 - whatever ONNX Runtime raises: the next one
                yield Row(title, name, note=reason(error))
                continue
            reference = outputs if reference is None else reference
            row.values["largest difference"] = float(np.abs(outputs - reference).max())
            yield row


def _one(
    stand: Stand, title: str, name: str, session: Session, inputs: Floats
) -> tuple[Row, Floats]:
    run = partial(session.run, inputs)
    first = timed(run)
    warm = milliseconds(stand.clock.repeat(run, stand.options.seconds / 2))
    count = inputs.shape[1] * inputs.shape[2] / 1e6 if session.any_size else len(inputs)
    unit = "MP/s" if session.any_size else "images/s"
    values = {
        "first, ms": 1000 * first,
        "then, ms": warm,
        unit: 1000 * count / warm,
        "GPU memory, MB": used_megabytes(stand.device),
    }
    return Row(title, name, dict(values)), run()
