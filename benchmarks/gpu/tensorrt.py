"""TensorRT's provider, where its libraries are installed, beside CUDA's.

Options: https://onnxruntime.ai/docs/execution-providers/TensorRT-ExecutionProvider.html
"""

import contextlib
import importlib
from collections.abc import Iterator
from functools import partial

import numpy as np
import onnxruntime as ort

from benchmarks.gpu.clock import milliseconds, timed
from benchmarks.gpu.rows import Row, reason
from benchmarks.gpu.stand import Stand, as_inputs
from service.inference.device import missing_libraries
from service.inference.pixels import Floats

TENSORRT = "TensorrtExecutionProvider"
KINDS = {
    "float32": {},
    "float16": {"trt_fp16_enable": "1"},
    "bfloat16": {"trt_bf16_enable": "1"},
}


def measure(stand: Stand) -> Iterator[Row]:
    """Yield a row for each type that TensorRT computes in; the first run builds its engine."""
    side = stand.options.tile
    title = f"TensorRT: a tile of {side}x{side}"
    if stand.device == "cpu" or TENSORRT not in ort.get_available_providers():
        yield Row(title, "TensorRT", note=f"needs CUDA and a build with {TENSORRT}")
        return
    missing_libraries()  # loads those of CUDA
    with contextlib.suppress(ImportError):
        importlib.import_module("tensorrt")  # loads those of its package
    inputs = as_inputs(stand.square()[1])
    reference = stand.session(stand.options.model).run(inputs)
    for kind, more in KINDS.items():
        if stand.clock.left < 0:
            yield Row(title, kind, note="no time was left")
            continue
        try:
            yield _one(stand, title, kind, more, inputs, reference)
        except Exception as error:  # noqa: BLE001 - whatever ONNX Runtime raises: the next one
            yield Row(title, kind, note=reason(error))


def _one(
    stand: Stand, title: str, kind: str, more: dict[str, str], inputs: Floats, reference: Floats
) -> Row:
    path, operation = stand.denoiser(stand.options.model)
    feed = {operation.input.name: inputs}
    if operation.sigma:
        feed[operation.sigma.tensor.name] = np.full(1, operation.sigma.unknown, np.float32)
    if operation.profile:
        shape = (1, 5)
        feed[operation.profile.tensor.name] = np.full(shape, operation.profile.unknown, np.float32)
    shapes = ",".join(f"{name}:{'x'.join(map(str, array.shape))}" for name, array in feed.items())
    profile = {f"trt_profile_{which}_shapes": shapes for which in ("min", "opt", "max")}
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(
        path, options, providers=[(TENSORRT, more | profile), "CUDAExecutionProvider"]
    )
    if (used := session.get_providers()[0]) != TENSORRT:
        return Row(title, kind, note=f"expected {TENSORRT}, received {used}: no libraries of it")
    run = partial(session.run, [operation.output.name], feed)
    first = timed(run)
    warm = milliseconds(stand.clock.repeat(run, stand.options.seconds))
    values = {
        "first, ms": 1000 * first,
        "then, ms": warm,
        "MP/s": 1000 * inputs.shape[1] * inputs.shape[2] / 1e6 / warm,
        "grey levels to float32": float(255 * np.abs(run()[0] - reference).max()),
    }
    return Row(title, kind, dict(values))
