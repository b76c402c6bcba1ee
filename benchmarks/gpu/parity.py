"""Parity: what the device gives for every operation of every model, beside the CPU."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort

from benchmarks.gpu.rows import Row
from benchmarks.gpu.stand import Stand
from service.inference.device import Execution, providers
from service.inference.pixels import Floats
from service.inference.session import Session
from service.manifest import Operation

TABLE = "Parity with the CPU"
TOLERANCE = 1e-5
"""Of the largest expected number where that is above 1, as the export allows (training.export)."""
SIDE = 256
"""Pixels along a side of what stands for photographs."""
BATCHES = (1, 3)
"""Images at a time; three are padded to four on CUDA."""
SIGMA = 25.0


def measure(stand: Stand) -> Iterator[Row]:
    """Yield a row for each operation: the worst of its runs."""
    for model, name, path, operation in stand.operations():
        what = f"{model} {name}"
        if stand.clock.left < 0:
            yield Row(TABLE, what, note="no time was left")
            continue
        ours = Session(path, operation, stand.execution())
        theirs = Session(path, operation, Execution("cpu"))
        differences, allowed = [], TOLERANCE
        for inputs, sigma in _runs(operation):
            expected = theirs.run(inputs, sigma=sigma)
            differences.append(np.abs(ours.run(inputs, sigma=sigma) - expected).max())
            allowed = max(allowed, TOLERANCE * float(np.abs(expected).max()))
        worst = float(np.max(differences))  # NaN if any is
        yield Row(
            TABLE,
            what,
            {
                "largest difference": worst,
                "allowed": allowed,
                "grey levels": 255 * worst if operation.tiles else None,
                "nodes elsewhere": elsewhere(path, stand.execution(), photographs=ours.any_size),
            },
            "" if worst <= allowed else "**not within what is allowed**",
        )


def _runs(operation: Operation) -> Iterator[tuple[Floats, float | None]]:
    """Yield inputs and noise levels, of a photograph also one that is known."""
    random = np.random.default_rng(0)
    free = {"steps": 28, "height": SIDE, "width": SIDE + 64}
    for batch in (1,) if "height" in operation.input.shape else BATCHES:
        sizes = free | {"batch": batch}
        shape = [size if isinstance(size, int) else sizes[size] for size in operation.input.shape]
        inputs = random.random(shape, np.float32)
        yield inputs, None
        if operation.sigma:
            yield inputs, SIGMA


def elsewhere(path: Path, execution: Execution, *, photographs: bool) -> int:
    """Return how many nodes of a graph another provider runs than the device's."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    wanted = providers(execution, graphs=False, photographs=photographs, threads=1)
    session = ort.InferenceSession(path, options, providers=wanted)
    assigned = session.get_provider_graph_assignment_info()
    used = session.get_providers()[0]
    return sum(len(each.get_nodes()) for each in assigned if each.ep_name != used)
