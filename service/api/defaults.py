"""Which model answers where a request names none."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.images import PHOTO
from service.inference.registry import Store
from service.manifest import OperationName


@dataclass(frozen=True, slots=True)
class Defaults:
    """The model of each operation, and the one that denoises pictures, None if none was chosen."""

    operations: Mapping[OperationName, str]
    picture: str | None

    def of_pictures(self, operation: OperationName, store: Store) -> str:
        """Return the model of pictures: PHOTO denoises them if none was chosen and it is served."""
        if operation != "denoise":
            return self.operations[operation]
        if self.picture is None and any(model.name == PHOTO for model in store):
            return PHOTO
        return self.picture or self.operations[operation]
