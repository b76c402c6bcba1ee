"""GET /models and /models/{name}: what is served, and how well it does."""

from collections.abc import Mapping

from fastapi import APIRouter

from service.api.openapi import problems
from service.api.schemas import ServedModel, ServedModels
from service.inference.model import Model
from service.inference.store import Store
from service.manifest import OperationName


def create_router(store: Store, defaults: Mapping[OperationName, str]) -> APIRouter:
    """Return the routes that describe a store of models, and what each is the default for."""
    router = APIRouter(tags=["models"])

    def described(model: Model) -> ServedModel:
        newest = model is store.get(model.name)
        return ServedModel(
            name=model.name,
            version=model.version,
            state="ready",
            execution_provider=model.provider,
            default_for=[
                operation for operation, name in defaults.items() if newest and name == model.name
            ],
            manifest=model.manifest,
        )

    @router.get("/models")
    async def models() -> ServedModels:
        """Every version of every model: manifest with measured figures, state, provider."""
        return ServedModels(models=[described(model) for model in store])

    @router.get("/models/{name}", responses=problems({404: "No such model", 422: "No such name"}))
    async def versions(name: str) -> ServedModels:
        """Every version of one model."""
        return ServedModels(models=[described(model) for model in store.versions(name)])

    return router
