"""Which models the names of a command line mean, and whose options are given with them."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from training import families
from training.arguments import Command
from training.families import DEFAULT, FAMILIES
from training.family import Family, read_manifest

ALL = "all"
"""The name that stands for every model of a family."""


def trainable(command: Command, options: Namespace) -> tuple[Family, list[str]]:
    """Return the family that the names belong to, and the names, `all` resolved.

    Raises:
        ValueError: The names are of several families, or an option is of another one.
    """
    if ALL in options.names:
        family = next(iter(given(command, options)), DEFAULT)
        names = list(family.names)
    else:
        names = list(dict.fromkeys(options.names))
        family = families.of_name(command, names[0], options)
        own = [name for name in names if family.claims(command, name, options)]
        if own != names:
            for name in names:
                families.of_name(command, name, options)  # one that is nobody's is told as such
            raise ValueError(
                f"names: expected {' '.join(own)} alone, received {' '.join(options.names)}"
            )
    complete(command, [family], options)
    return family, names


def named_folders(options: Namespace) -> list[Path]:
    """Return the folders of exported models that are named, of all where `all` is.

    Raises:
        FileNotFoundError: There are no models.
        ValueError: One of them is none.
    """
    from service.inference.loader import newest

    exported = newest(options.models)
    if not exported:
        raise FileNotFoundError(
            f"{options.models}: expected folders <name>/<version>/ of exported models, received "
            "none; --models names another folder"
        )
    found = []
    for name in exported if ALL in options.names else options.names:
        version = options.version
        folder = options.models / name / str(version) if version else exported.get(name)
        if folder is None:
            raise ValueError(f"name: expected one of {', '.join(exported)}, received {name}")
        found.append(folder)
    return found


def exported_folders(command: Command, options: Namespace) -> dict[Family, list[Path]]:
    """Return the folders of exported models that are named, by their families.

    Raises:
        FileNotFoundError: There are no models.
        ValueError: One of them is none, or an option is of another family.
    """
    chosen: dict[Family, list[Path]] = {}
    for folder in named_folders(options):
        chosen.setdefault(families.of_manifest(read_manifest(folder)), []).append(folder)
    if ALL in options.names:
        wanted = given(command, options) or [DEFAULT]
        chosen = {family: folders for family, folders in chosen.items() if family in wanted}
    complete(command, list(chosen), options)
    return chosen


def given(command: Command, options: Namespace) -> list[Family]:
    """Return the families of which options are given; one of several families is the first's."""
    chosen: list[Family] = []
    seen: set[str] = set()
    for family in FAMILIES:
        flags = {each.destination for each in family.arguments(command)}
        if any(flag in options for flag in flags - seen):
            chosen.append(family)
        seen |= flags
    return chosen


def complete(command: Command, chosen: Sequence[Family], options: Namespace) -> None:
    """Fill in the defaults of the chosen families' options.

    Raises:
        ValueError: An option of a family that is not chosen is given.
    """
    expected = {each.flag for family in chosen for each in family.arguments(command)}
    for family in FAMILIES:
        for each in family.arguments(command):
            if family in chosen:
                vars(options).setdefault(each.destination, each.default)
            elif each.flag not in expected and each.destination in options:
                named = " ".join(getattr(options, "names", []))
                raise ValueError(f"{each.flag}: expected no such option for {named or command}")
