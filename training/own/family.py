"""Models of one's own data, as the command line sees them."""

import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.manifest import Manifest
from training import backend
from training.arguments import Argument, Command
from training.family import print_index
from training.fitting.record import TrainingRecord
from training.own.arguments import ARGUMENTS
from training.own.recipes import RECIPES
from training.record import FILE_NAME
from training.results import Results

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""As in a manifest."""


class OwnFamily:
    """The chapter's architectures, trained on one's own data under a name of one's own."""

    title = "models of one's own data, by --name and --data"
    names: tuple[str, ...] = ()

    def arguments(self, command: Command) -> Sequence[Argument]:
        return ARGUMENTS[command]

    def claims(self, command: Command, name: str, options: Namespace) -> bool:
        if command == "train":
            return "name" in options
        run = options.runs / name
        return (run / FILE_NAME).exists() and _is_own(run)

    def owns(self, manifest: Manifest) -> bool:
        return manifest.provenance.data is not None

    def train(self, names: Sequence[str], options: Namespace) -> None:
        if len(names) > 1 or names[0] not in RECIPES:
            raise ValueError(
                f"names: expected one of {', '.join(RECIPES)} with --name, received "
                f"{' '.join(names)}"
            )
        if not NAME.fullmatch(options.name):
            raise ValueError(
                "--name: expected lower-case letters and digits, in words joined by -, received "
                f"{options.name}"
            )
        if options.data is None:
            raise ValueError(f"--data: expected one's own data for {options.name}, received none")
        backend.load()
        from training.own.train import train

        train(names[0], options)

    def export(self, folders: Mapping[str, Path], options: Namespace) -> None:
        backend.load()
        from training.own.export import export

        for name, folder in folders.items():
            manifest = export(options.runs / name, folder)
            print(f"{folder}: {', '.join(manifest.operations)}")

    def evaluate(self, folders: Sequence[Path], options: Namespace) -> None:
        from training.own.calibrate import in_words
        from training.own.evaluate import evaluate

        for folder in folders:
            manifest = evaluate(folder, options.data)
            error = manifest.measurements[0]
            print(f"{folder}: {error.quantity} {error.value:.5f} on {error.data}")
            if calibration := manifest.calibration:
                print(f"{folder}: {in_words(calibration)}")
            else:
                print(
                    f"{folder}: no threshold, as the scores of the validation part are alike; "
                    f"calibrate {manifest.name} takes other data"
                )

    def index(self, folders: Sequence[Path], options: Namespace) -> None:
        from training.own.index import index

        for folder in folders:
            print_index(folder, index(folder, options))

    def results(self, run: Path, options: Namespace) -> Results:
        backend.load()
        from training.own.results import read

        return read(run, options.data)

    def draw(self, options: Namespace) -> None:
        """Draw nothing: the figures are of the shipped models."""


def _is_own(run: Path) -> bool:
    try:
        return bool(TrainingRecord.read(run).own)
    except ValueError:  # of another family
        return False
