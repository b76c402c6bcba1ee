"""The autoencoders of Fashion-MNIST, as the command line sees them."""

import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from service.manifest import Manifest, Pixels, Provenance
from training import backend
from training.arguments import FINE_TUNING, Argument, Command, positive
from training.family import print_index, read_manifest
from training.fashion.recipes import RECIPES
from training.results import Results

WIDTH = 28
DATA = Argument(
    "--data",
    {
        "type": Path,
        "help": "folder with Fashion-MNIST's four .gz files; with --name, one's own data",
    },
)
SUBSET = Argument(
    "--subset",
    {
        "type": positive,
        "help": "only that many training images, and a tenth as many of the others",
    },
)
PART = Argument(
    "--part",
    {"choices": ("train", "test"), "help": "images of Fashion-MNIST, by default those of train"},
    default="train",
)
TRAINING = (
    Argument("--epochs", {"type": positive, "help": "instead of the recipe's, in every phase"}),
    FINE_TUNING,
)
ARGUMENTS: Mapping[Command, tuple[Argument, ...]] = {
    "train": (DATA, SUBSET, *TRAINING),
    "export": (DATA,),
    "evaluate": (DATA, SUBSET),
    "index": (DATA, PART),
    "figures": (DATA, SUBSET),
    "report": (DATA, SUBSET),
    "compare": (DATA, SUBSET),
}


class FashionFamily:
    """The autoencoders of 28x28 images in `training.fashion.recipes`."""

    title = "models of Fashion-MNIST"
    names = tuple(RECIPES)

    def arguments(self, command: Command) -> Sequence[Argument]:
        return ARGUMENTS[command]

    def claims(self, command: Command, name: str, options: Namespace) -> bool:  # noqa: ARG002
        return name in self.names

    def owns(self, manifest: Manifest) -> bool:
        if manifest.provenance.data is not None:
            return False
        images = [each.input for name, each in manifest.operations.items() if name != "decode"]
        return any(taken.shape[-1] == WIDTH for taken in images)

    def train(self, names: Sequence[str], options: Namespace) -> None:
        backend.load()
        from training.datasets import fashion_mnist
        from training.fitting.train import train

        recipes = {
            name: RECIPES[name].changed(epochs=options.epochs, fine_tuning=options.fine_tuning)
            for name in names
        }
        data = fashion_mnist.load(options.data, subset=options.subset)
        for name, recipe in recipes.items():
            print(f"== {name}: {recipe.summary}")
            train(
                recipe,
                data,
                options.runs / name,
                seed=options.seed,
                command=_command(name, options),
                again=options.again,
            )

    def export(self, folders: Mapping[str, Path], options: Namespace) -> None:
        backend.load()
        from training import card
        from training.datasets import fashion_mnist
        from training.fashion.evaluate import before_fine_tuning
        from training.fitting.train import load
        from training.graphs import Inputs, export
        from training.record import versions

        trained = {name: load(options.runs / name) for name in folders}
        images = fashion_mnist.load(options.data).validation
        for name, (autoencoder, record) in trained.items():
            folder = folders[name]
            before = record.validation_mse_before_fine_tuning
            manifest = export(
                autoencoder,
                folder,
                summary=RECIPES[name].summary,
                denoises=bool(RECIPES[name].noises),
                inputs=Inputs(images, Pixels(mode="L", scale=255.0)),
                measurements=(
                    ()
                    if before is None
                    else (before_fine_tuning(before, record.validation_images),)
                ),
                provenance=Provenance(
                    dataset=f"Fashion-MNIST ({record.training_images:,} training images)",
                    dataset_licence=fashion_mnist.LICENCE,
                    data=None,
                    seed=record.seed,
                    epochs=record.epochs,
                    settings=record.settings,
                    command=record.command,
                    trained_at=datetime.fromisoformat(record.trained_at),
                    versions=record.versions
                    | versions("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
                ),
            )
            card.write(manifest, folder)
            print(f"{folder}: {', '.join(manifest.operations)}")

    def evaluate(self, folders: Sequence[Path], options: Namespace) -> None:
        from training.datasets import fashion_mnist
        from training.fashion.evaluate import Comparison, evaluate

        data = fashion_mnist.load(options.data, subset=options.subset)
        comparison = Comparison(data)
        for folder in folders:
            manifest = evaluate(folder, data, comparison, write=options.subset is None)
            error = manifest.measurements[0]
            print(f"{folder}: {error.quantity} {error.value:.5f} on {error.data}")
        if options.subset:
            print("manifests and cards are unchanged: their figures are of all images")

    def index(self, folders: Sequence[Path], options: Namespace) -> None:
        from training.datasets import fashion_mnist
        from training.fashion.index import index

        data = fashion_mnist.load(options.data)
        for folder in folders:
            print_index(folder, index(folder, data, options))

    def results(self, run: Path, options: Namespace) -> Results:
        backend.load()
        from training.fashion.results import read

        return read(run, options.data, options.subset)

    def draw(self, options: Namespace) -> None:
        backend.load()  # the KL penalty that one of the figures shows is a layer's
        from service.inference.loader import load, newest
        from training.datasets import fashion_mnist
        from training.fashion.figures import draw

        folders = newest(options.models)
        own = [path for path in folders.values() if self.owns(read_manifest(path))]
        noises = {name: recipe.noises for name, recipe in RECIPES.items() if recipe.noises}
        data = fashion_mnist.load(options.data, subset=options.subset)
        models = [load(folder) for folder in own]
        for path in draw(models, options.runs, data, options.out, noises=noises):
            print(path)


def _command(name: str, options: Namespace) -> str:
    """Return the command that trains a model as these options do, for its manifest."""
    words = ["python", "-m", "training", "train", name, "--seed", str(options.seed)]
    for flag, value in (("--epochs", options.epochs), ("--subset", options.subset)):
        words += [] if value is None else [flag, str(value)]
    words += [] if options.fine_tuning else ["--no-fine-tuning"]
    return shlex.join(words)
