"""The interface of a family of models: what the command line needs to train and measure it."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from service.manifest import Manifest
from training.arguments import Argument, Command
from training.results import Results


class Family(Protocol):
    """Models that share a data set, a training loop and an evaluation.

    `options` hold, in every method, the options that all families share and the family's own ones
    of that command, defaults filled in.
    """

    @property
    def title(self) -> str:
        """What `--help` calls the family's own options."""

    @property
    def names(self) -> Sequence[str]:
        """The models that can be trained; the name of a model is that of its folder.

        There are none where it is the user who names them.
        """

    def arguments(self, command: Command) -> Sequence[Argument]:
        """Return the family's own options of a command."""

    def claims(self, command: Command, name: str, options: Namespace) -> bool:
        """Return whether a name of the command line is of this family.

        Args:
            command: What is to be done with it: train or export.
            name: The name.
            options: The options that are given.
        """

    def owns(self, manifest: Manifest) -> bool:
        """Return whether an exported model is one that this family can evaluate."""

    def train(self, names: Sequence[str], options: Namespace) -> None:
        """Train models into `options.runs`/<name>, or resume what was stopped there."""

    def export(self, folders: Mapping[str, Path], options: Namespace) -> None:
        """Export trained models as ONNX, by name into folders models/<name>/<version>/."""

    def evaluate(self, folders: Sequence[Path], options: Namespace) -> None:
        """Measure exported models as they are served; write manifests and model cards."""

    def index(self, folders: Sequence[Path], options: Namespace) -> None:
        """Write the indexes of exported models; write manifests and model cards."""

    def results(self, run: Path, options: Namespace) -> Results:
        """Return what the training of a folder came to, for its report.

        Raises:
            ValueError: The family has no reports.
        """

    def draw(self, options: Namespace) -> None:
        """Draw the family's figures into `options.out`."""


def print_index(folder: Path, manifest: Manifest) -> None:
    """Print what the index of a model has."""
    if index := manifest.index:
        shape = index.count, index.dimension
        print(f"{folder}: codings of {index.data}, {shape}, {index.metric} distances")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an exported model.

    Raises:
        StartupError: The folder has no manifest, or a damaged one; the error names it.
    """
    from service.inference.loader import load

    try:
        return Manifest.read(folder)
    except (OSError, ValueError):
        load(folder)  # explains what is wrong with the folder
        raise
