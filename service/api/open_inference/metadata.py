"""GET /v2/...: metadata, readiness and configuration of the service and its models."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from service import __version__
from service.api.health import hung
from service.api.open_inference import schemas
from service.api.open_inference.naming import Served, find
from service.api.open_inference.outputs import offered
from service.api.open_inference.schemas import Name, Version, errors
from service.api.routing import Serving
from service.errors import NotLive, NotReady
from service.manifest import Operation, Tensor

PLATFORM = "onnxruntime_onnx"
DATATYPES = {"float32": "FP32", "int64": "INT64"}
EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository"]


def routes(serving: Serving, max_batch: int, is_draining: Callable[[], bool]) -> list[APIRoute]:
    """Return the routes that describe the service and its models; see open_inference.routes."""
    router = APIRouter(prefix="/v2", tags=["open inference"])

    @router.get("")
    async def server() -> schemas.ServerMetadata:
        """The service, and the extensions of the protocol that it speaks."""
        return schemas.ServerMetadata(
            name="autoencoder-service", version=__version__, extensions=EXTENSIONS
        )

    @router.get("/health/live", responses=errors({503: "A batch has hung"}))
    async def live() -> schemas.ServerLive:
        """Whether the service is live, as /health/live says."""
        if fault := hung(serving):
            raise NotLive(fault)
        return schemas.ServerLive(live=True)

    @router.get("/health/ready", responses=errors({503: "The service is shutting down"}))
    async def ready() -> schemas.ServerReady:
        """Whether the service is ready, as /health/ready says."""
        if is_draining():
            raise NotReady("the service is shutting down")
        return schemas.ServerReady(ready=True)

    async def newest(model: Name) -> Served:
        return find(serving.registry, model)

    async def named(model: Name, version: Version) -> Served:
        return find(serving.registry, model, version)

    @router.get("/models/stats", include_in_schema=False)
    @router.get("/models/{model}/stats", include_in_schema=False)
    @router.get("/models/{model}/versions/{version}/stats", include_in_schema=False)
    async def statistics() -> None:
        raise HTTPException(501, "statistics are not kept for this protocol; GET /metrics has them")

    _describe(router, "/models/{model}", newest, max_batch)
    _describe(router, "/models/{model}/versions/{version}", named, max_batch)
    return [route for route in router.routes if isinstance(route, APIRoute)]


def _describe(router: APIRouter, path: str, found: Callable[..., Any], max_batch: int) -> None:
    """Add the routes that describe the model at a path."""
    unknown = errors({404: "No such model or version, or it is not ready"})

    @router.get(path, responses=unknown)
    async def metadata(served: Annotated[Served, Depends(found)]) -> schemas.ModelMetadata:
        """Inputs and outputs of a model."""
        operation = _operation(served)
        return schemas.ModelMetadata(
            name=served.name,
            versions=[str(version) for version in reversed(served.versions)],
            platform=PLATFORM,
            inputs=[_tensor(each) for each in _inputs(operation)],
            outputs=[_tensor(each) for each in offered(served)],
        )

    @router.get(f"{path}/ready", responses=unknown)
    async def ready(served: Annotated[Served, Depends(found)]) -> schemas.ModelReady:
        """Whether a model is served."""
        return schemas.ModelReady(name=served.name, ready=True)

    @router.get(f"{path}/config", responses=unknown)
    async def config(served: Annotated[Served, Depends(found)]) -> dict[str, Any]:
        """The model configuration in Triton's form, as far as it applies."""
        operation = _operation(served)
        # Triton batches all inputs: a model with one that has no batch dimension has batch size 0.
        batch = max_batch if operation.steps is None else 0
        return {
            "name": served.name,
            "platform": PLATFORM,
            "backend": "onnxruntime",
            "max_batch_size": batch,
            "input": [_configured(each, batch) for each in _inputs(operation)],
            "output": [_configured(operation.output, batch)],
        } | ({"dynamic_batching": {}} if batch else {})


def _operation(served: Served) -> Operation:
    return served.model.batchers[served.operation].session.operation


def _inputs(operation: Operation) -> list[Tensor]:
    more = (operation.steps, operation.sigma)
    return [operation.input, *(each.tensor for each in more if each)]


def _sizes(tensor: Tensor) -> list[int]:
    """Return the sizes of a tensor, -1 for free ones; a scalar is sent with shape [1]."""
    return [size if isinstance(size, int) else -1 for size in tensor.shape] or [1]


def _tensor(tensor: Tensor) -> schemas.TensorMetadata:
    return schemas.TensorMetadata.model_validate(
        {"name": tensor.name, "datatype": DATATYPES[tensor.dtype], "shape": _sizes(tensor)}
    )


def _configured(tensor: Tensor, batch: int) -> dict[str, Any]:
    """Return a tensor of a configuration, without the batch dimension if the model has one.

    A scalar, or one number an item, is the number of steps or the noise level: both are optional.
    """
    sizes = _sizes(tensor)
    described: dict[str, Any] = {
        "name": tensor.name,
        "data_type": f"TYPE_{DATATYPES[tensor.dtype]}",
        "dims": (sizes[1:] or [1]) if batch else sizes,
    }
    is_number = len(tensor.shape) <= 1
    return described | {"reshape": {"shape": []}, "optional": True} if is_number else described
