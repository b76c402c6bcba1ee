"""GET /models, /models/{name} and the cards: the models, their state, their measured quality."""

import contextlib
from collections.abc import Iterator

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from service.api.openapi import problems
from service.api.schemas import ServedModel, ServedModels
from service.errors import ModelNotFound, ServiceError
from service.inference.registry import Defaults, ModelRegistry, Version
from service.manifest import OperationName


class CardResponse(PlainTextResponse):
    """A text in Markdown."""

    media_type = "text/markdown"


PICTURES: tuple[OperationName, ...] = (
    "encode", "denoise", "estimate", "reconstruct", "neighbours",
)  # fmt: skip
"""Operations that take pictures."""


def create_router(registry: ModelRegistry, defaults: Defaults) -> APIRouter:
    """Return the routes that describe models, and which requests they serve by default."""
    router = APIRouter(tags=["models"])

    def described(version: Version) -> ServedModel:
        model = version.model
        is_newest = model is not None and model is registry.get(version.name)
        name = version.name if is_newest else ""
        return ServedModel(
            name=version.name,
            version=version.number,
            state=version.state,
            fault=version.fault,
            operations=version.operations,
            execution_provider=model.provider if model else None,
            default_for=list(_default_for(name, registry, defaults)),
            default_for_pictures=list(_default_for_pictures(name, registry, defaults)),
            size=version.size,
            manifest=version.manifest,
        )

    @router.get("/models")
    async def models() -> ServedModels:
        """Every version of every model: manifest with measured figures, state, provider."""
        return ServedModels(models=[described(version) for version in registry.known.values()])

    @router.get("/models/{name}", responses=problems({404: "No such model"}))
    async def versions(name: str) -> ServedModels:
        """Every version of one model."""
        return ServedModels(models=[described(version) for version in registry.versions(name)])

    @router.get(
        "/models/{name}/{version}/card",
        response_class=CardResponse,
        responses=problems({404: "No such model or version, or it has no card"}),
    )
    async def card(name: str, version: str) -> CardResponse:
        """The model card of a version, in Markdown."""
        cards = {str(each.number): each.card for each in registry.versions(name) if each.card}
        if version not in cards:
            raise ModelNotFound(
                f"version: expected one of {name} with a card "
                f"({', '.join(cards) or 'none has one'}), received {version!r}"
            )
        return CardResponse(cards[version])

    return router


def _default_for(name: str, registry: ModelRegistry, defaults: Defaults) -> Iterator[OperationName]:
    """Yield the operations on arrays that a model serves where a request names none."""
    for operation in defaults.operations:
        with contextlib.suppress(ServiceError):  # without a default, each request names a model
            if defaults.of_arrays(operation, registry).name == name:
                yield operation


def _default_for_pictures(
    name: str, registry: ModelRegistry, defaults: Defaults
) -> Iterator[OperationName]:
    """Yield the operations on pictures that a model serves where a request names none."""
    for operation in PICTURES:
        with contextlib.suppress(ServiceError):
            if defaults.of_pictures(operation, registry).name == name:
                yield operation
