"""GET /models and /models/{name}: what is served, and how well it does."""

from fastapi import APIRouter

from service.api.openapi import problems
from service.api.schemas import ServedModel, ServedModels
from service.inference.registry import Defaults, Store, Version


def create_router(store: Store, defaults: Defaults) -> APIRouter:
    """Return the routes that describe a store of models, and what each is the default for."""
    router = APIRouter(tags=["models"])

    def described(version: Version) -> ServedModel:
        model = version.model
        is_newest = model is not None and model is store.get(version.name)
        return ServedModel(
            name=version.name,
            version=version.number,
            state=version.state,
            fault=version.fault,
            operations=version.operations,
            execution_provider=model.provider if model else None,
            default_for=[
                operation
                for operation, name in defaults.operations.items()
                if is_newest and name == version.name
            ],
            default_for_pictures=[
                operation
                for operation in ("encode", "denoise")
                if is_newest and defaults.of_pictures(operation, store) == version.name
            ],
            manifest=version.manifest,
        )

    @router.get("/models")
    async def models() -> ServedModels:
        """Every version of every model: manifest with measured figures, state, provider."""
        return ServedModels(models=[described(version) for version in store.known.values()])

    @router.get("/models/{name}", responses=problems({404: "No such model", 422: "No such name"}))
    async def versions(name: str) -> ServedModels:
        """Every version of one model."""
        return ServedModels(models=[described(version) for version in store.versions(name)])

    return router
