"""Graphs in float16 and bfloat16 beside float32: speed, and how far their pixels are from it."""

import importlib.util
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.gpu.card import used_megabytes
from benchmarks.gpu.clock import milliseconds, timed
from benchmarks.gpu.parity import elsewhere
from benchmarks.gpu.rows import Row, reason
from benchmarks.gpu.stand import Stand, as_inputs
from benchmarks.photographs.pictures import Pixels
from service.inference.pixels import Floats
from service.inference.session import Session

KINDS = ("float16", "bfloat16")
ROUNDED = "{} rounded in float32"


def measure(stand: Stand) -> Iterator[Row]:
    """Yield a row for float32 and each type of 16 bits; on the CPU also for its rounding alone."""
    path, operation = stand.denoiser(stand.options.model)
    clean, noisy = stand.square()
    title = f"Types: a tile of {stand.options.tile}x{stand.options.tile}"
    with tempfile.TemporaryDirectory() as folder:
        reference: Floats | None = None
        for name, graph in _graphs(stand, path, Path(folder)):
            if stand.clock.left < 0:
                yield Row(title, name, note="no time was left")
                continue
            try:
                if not graph.exists():
                    raise FileNotFoundError("no such graph: python -m benchmarks.gpu.graphs")
                session = Session(graph, operation, stand.execution())
                run = partial(session.run, as_inputs(noisy))
                first = timed(run)
                warm = milliseconds(stand.clock.repeat(run, stand.options.seconds))
                outputs = run()
            except Exception as error:  # noqa: BLE001 - whatever ONNX Runtime raises: the next one
                yield Row(title, name, note=reason(error))
                continue
            reference = outputs if reference is None else reference
            yield Row(
                title,
                name,
                {
                    "first, ms": 1000 * first,
                    "then, ms": warm,
                    "MP/s": 1000 * noisy.shape[0] * noisy.shape[1] / 1e6 / warm,
                    "dB to float32": None if outputs is reference else _psnr(outputs, reference),
                    "grey levels to it": float(255 * np.abs(outputs - reference).max()),
                    "dB to the clean picture": f"{_psnr(outputs, as_inputs(clean)):.3f}",
                    "nodes elsewhere": elsewhere(graph, stand.execution(), photographs=True),
                    "GPU memory, MB": used_megabytes(stand.device),
                },
            )


def _graphs(stand: Stand, path: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield names and graphs, made here where they were not and onnx is installed."""
    model, given = stand.options.model, stand.options.graphs
    yield "float32", path
    has_onnx = importlib.util.find_spec("onnx") is not None
    if has_onnx and not all((given / f"{model}-{kind}.onnx").exists() for kind in KINDS):
        from benchmarks.gpu.graphs import write

        write(path, model, folder)
        given = folder
    for kind in KINDS:
        yield kind, given / f"{model}-{kind}.onnx"
    if has_onnx and stand.device == "cpu":
        import onnx

        from benchmarks.gpu.rounding import rounded

        for kind in KINDS:
            graph = folder / f"rounded-{kind}.onnx"
            onnx.save(rounded(onnx.load(path), kind), graph)
            yield ROUNDED.format(kind), graph


def _psnr(outputs: Floats, expected: Floats | Pixels) -> float:
    """Return the peak signal-to-noise ratio of pixels in [0, 1], in dB."""
    error = np.mean((outputs.astype(np.float64) - expected) ** 2)
    return float(-10 * np.log10(max(error, np.finfo(np.float64).tiny)))
