"""Examples of requests for the OpenAPI document, which work with the models that are served.

Swagger UI sends them as they are ("Try it out"), so that they follow from the manifests.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.errors import ServiceError
from service.inference.model import Model
from service.inference.reconstruction import run_by
from service.inference.registry import Defaults, ModelRegistry
from service.manifest import OperationName, Tensor

FREE = 8
"""The size of a dimension that is free, besides the batch."""

Example = Mapping[str, Any]


def model_of(operation: OperationName, registry: ModelRegistry, defaults: Defaults) -> Model | None:
    """Return the model of an operation on arrays where none is named, or None without one."""
    try:
        return registry.get(defaults.of_arrays(run_by(operation), registry).name)
    except ServiceError:
        return None


def inputs(model: Model, operation: OperationName) -> list[Any]:
    """Return a batch of one, as nested lists: a ramp from 0 to 1 in the shape of the input."""
    _, *sizes = _tensor(model, operation).shape
    shape = [size if isinstance(size, int) else FREE for size in sizes]
    ramp = np.linspace(0, 1, int(np.prod(shape))).round(2)
    nested: list[Any] = ramp.reshape(1, *shape).tolist()
    return nested


def inference(model: Model, operation: OperationName) -> Example:
    """Return a request of the Open Inference Protocol."""
    data = inputs(model, operation)
    tensor = {
        "name": _tensor(model, operation).name,
        "shape": list(np.shape(data)),
        "datatype": "FP32",
        "data": np.ravel(data).tolist(),
    }
    return {"inputs": [tensor]}


def _tensor(model: Model, operation: OperationName) -> Tensor:
    operation = "encode" if operation == "neighbours" else operation  # of items, not of codings
    return model.batchers[run_by(operation)].session.operation.input
