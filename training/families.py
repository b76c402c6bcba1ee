"""The registry of families: the command line finds every model through it."""

from service.manifest import Manifest
from training.family import Family
from training.fashion.family import FashionFamily
from training.photo.family import PhotoFamily

FAMILIES: tuple[Family, ...] = (FashionFamily(), PhotoFamily())
DEFAULT = FAMILIES[0]
"""The family of `all` and of `figures` where no option of a family is given."""


def names() -> list[str]:
    """Return the names of all models that can be trained."""
    return [name for family in FAMILIES for name in family.names]


def of_name(name: str) -> Family:
    """Return the family that trains a model.

    Raises:
        ValueError: No family trains a model of that name.
    """
    for family in FAMILIES:
        if name in family.names:
            return family
    raise ValueError(f"name: expected one of {', '.join(names())}, received {name}")


def of_manifest(manifest: Manifest) -> Family:
    """Return the family that evaluates an exported model.

    Raises:
        ValueError: The model takes images that no family has data for.
    """
    for family in FAMILIES:
        if family.owns(manifest):
            return family
    shapes = {str(operation.input.shape) for operation in manifest.operations.values()}
    raise ValueError(
        f"{manifest.name}: expected a model of images of 28x28 or of photographs, received inputs "
        f"of shape {', '.join(sorted(shapes))}"
    )
