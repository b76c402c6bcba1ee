"""The registry of families: the command line finds every model through it."""

from argparse import Namespace

from service.manifest import Manifest
from training.arguments import Command
from training.family import Family
from training.fashion.family import FashionFamily
from training.own.family import OwnFamily
from training.photo.family import PhotoFamily

FAMILIES: tuple[Family, ...] = (FashionFamily(), PhotoFamily(), OwnFamily())
DEFAULT = FAMILIES[0]
"""The family of `all` and of `figures` where no option of a family is given."""


def names() -> list[str]:
    """Return the names of all models that can be trained."""
    return [name for family in FAMILIES for name in family.names]


def of_name(command: Command, name: str, options: Namespace) -> Family:
    """Return the family that a name of the command line belongs to.

    Where two families claim it, it is the last one's: one's own data are asked for by an option.

    Raises:
        ValueError: It is no family's.
    """
    for family in reversed(FAMILIES):
        if family.claims(command, name, options):
            return family
    raise ValueError(
        f"names: expected a training in {options.runs}, or one of {', '.join(names())}, "
        f"received {name}"
    )


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
