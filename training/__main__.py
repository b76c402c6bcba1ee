"""Command line of the training: python -m training train|export|evaluate|figures."""

import argparse
import os
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from service.errors import ServiceError
from training.photo import command as photo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read by TensorFlow when it is imported


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit with 2 for unusable arguments, 1 for failure, 130 if stopped."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError, FloatingPointError, ServiceError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        print("\nstopped; call it again to resume after the last checkpoint", file=sys.stderr)
        sys.exit(130)


def _train(options: argparse.Namespace) -> None:
    if photo.is_asked_for(options):
        photo.train(options)
        return
    from training.datasets import fashion_mnist
    from training.recipes import RECIPES
    from training.train import train

    data = fashion_mnist.load(options.data, subset=options.subset)
    for name in _names(options):
        recipe = RECIPES[name].changed(epochs=options.epochs, fine_tuning=options.fine_tuning)
        print(f"== {name}: {recipe.summary}")
        train(
            recipe,
            data,
            options.runs / name,
            seed=options.seed,
            command=_command(name, options),
            again=options.again,
        )


def _export(options: argparse.Namespace) -> None:
    from importlib import metadata

    from service.manifest import Provenance
    from training import card
    from training.datasets import fashion_mnist
    from training.evaluate import before_fine_tuning
    from training.export import export
    from training.recipes import RECIPES
    from training.train import load

    if photo.is_asked_for(options):
        folder = _new(options, photo.NAME)
        photo.export(options, folder)
        print(f"{folder}: denoise")
        return
    images = fashion_mnist.load(options.data).validation
    for name in _names(options):
        autoencoder, record = load(options.runs / name)
        folder = _new(options, name)
        before = record.validation_mse_before_fine_tuning
        packages = ("tensorflow", "tf2onnx", "onnx", "onnxruntime")
        manifest = export(
            autoencoder,
            folder,
            summary=RECIPES[name].summary,
            denoises=RECIPES[name].noise is not None,
            images=images,
            measurements=(
                () if before is None else (before_fine_tuning(before, record.validation_images),)
            ),
            provenance=Provenance(
                dataset=f"Fashion-MNIST ({record.training_images:,} training images)",
                dataset_licence=fashion_mnist.LICENCE,
                seed=record.seed,
                epochs=record.epochs,
                settings=record.settings,
                command=record.command,
                trained_at=datetime.fromisoformat(record.trained_at),
                versions=record.versions | {each: metadata.version(each) for each in packages},
            ),
        )
        card.write(manifest, folder)
        print(f"{folder}: {', '.join(manifest.operations)}")


def _new(options: argparse.Namespace, name: str) -> Path:
    """The folder of the version to export; what is there is replaced only when told to."""
    folder: Path = options.models / name / str(options.version)
    if folder.exists() and not options.replace:
        raise FileExistsError(
            f"{folder}: expected a version that does not exist yet, received one that does; "
            "--version names another, --replace replaces it"
        )
    return folder


def _evaluate(options: argparse.Namespace) -> None:
    from training.datasets import fashion_mnist
    from training.evaluate import Comparison, evaluate

    photographs, others = _served(options)
    for folder in photographs:
        photo.evaluate(options, folder)
    if not others:
        return
    data = fashion_mnist.load(options.data, subset=options.subset)
    comparison = Comparison(data)
    for folder in others:
        manifest = evaluate(folder, data, comparison, write=options.subset is None)
        error = manifest.measurements[0]
        print(f"{folder}: {error.quantity} {error.value:.5f} on {error.data}")
    if options.subset:
        print("manifests and cards are left as they are: their figures are of all the images")


def _served(options: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """The folders of the models named: denoisers of photographs, and the others.

    All are those that can be measured on the data at hand: photographs, or Fashion-MNIST.
    """
    from service.inference.loader import newest
    from training.evaluate import is_of_any_size

    folders = newest(options.models)
    found: tuple[list[Path], list[Path]] = ([], [])
    for name in folders if "all" in options.names else options.names:
        version = options.version
        folder = options.models / name / str(version) if version else folders.get(name)
        if folder is None:
            raise ValueError(f"name: expected one of {', '.join(folders)}, received {name}")
        found[0 if is_of_any_size(folder) else 1].append(folder)
    if "all" in options.names:
        return (found[0], []) if hasattr(options, "photos") else ([], found[1])
    return found


def _figures(options: argparse.Namespace) -> None:
    if hasattr(options, "photos"):
        photo.figures(options)
        return
    from training.datasets import fashion_mnist
    from training.figures import draw
    from training.recipes import RECIPES

    noises = {name: recipe.noise for name, recipe in RECIPES.items() if recipe.noise}
    data = fashion_mnist.load(options.data, subset=options.subset)
    for path in draw(options.models, options.runs, data, options.out, noises=noises):
        print(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: object, text: str, *shared: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=text,
            description=text,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        added.set_defaults(run=run)
        for flag in shared:
            added.add_argument(f"--{flag}", **SHARED[flag])
        return added

    trained = command(
        "train", _train, "train models, or resume what was stopped", "runs", "data", "subset"
    )
    trained.add_argument(
        "names",
        nargs="+",
        type=_recipe,
        help="names of recipes, or all of them but photo, which needs --photos",
    )
    trained.add_argument("--seed", type=int, default=42, help="of weights, batches and noise")
    trained.add_argument("--epochs", type=_positive, help="instead of the recipe's, in every phase")
    trained.add_argument(
        "--no-fine-tuning",
        dest="fine_tuning",
        action="store_false",
        help="end layer by layer training with the last phase",
    )
    trained.add_argument(
        "--again", action="store_true", help="train anew, in place of what is in the folder"
    )
    photo.add_training(trained, _positive)

    exported = command(
        "export", _export, "write trained models as ONNX, with manifests", "runs", "models", "data"
    )
    exported.add_argument(
        "names", nargs="+", type=_recipe, help="names of recipes, or all of them but photo"
    )
    exported.add_argument("--version", type=_positive, default=1, help="version to write")
    exported.add_argument("--replace", action="store_true", help="even a version that exists")
    photo.add_export(exported)

    evaluated = command(
        "evaluate", _evaluate, "measure models as they are served", "models", "data", "subset"
    )
    evaluated.add_argument("names", nargs="+", help="names of models, or all")
    evaluated.add_argument("--version", type=_positive, help="the newest where it is left out")
    photo.add_evaluation(evaluated)

    drawn = command(
        "figures",
        _figures,
        "draw what the models do and how they were trained",
        *("runs", "models", "data", "subset"),
    )
    drawn.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder of figures")
    photo.add_figures(drawn)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, received {value}")
    return value


def _recipe(name: str) -> str:
    from training.recipes import RECIPES  # and Keras, which evaluate does without

    if name not in (*RECIPES, photo.NAME, "all"):
        raise argparse.ArgumentTypeError(
            f"expected all or one of {', '.join([*RECIPES, photo.NAME])}, received {name}"
        )
    return name


SHARED: dict[str, dict[str, Any]] = {
    "runs": {"type": Path, "default": Path("runs"), "help": "folder of trainings"},
    "models": {"type": Path, "default": Path("models"), "help": "folder of models"},
    "data": {"type": Path, "help": "folder with Fashion-MNIST's four .gz files"},
    "subset": {
        "type": _positive,
        "help": "only so many training images, and a tenth of it of the others",
    },
}


def _names(options: argparse.Namespace) -> list[str]:
    from training.recipes import RECIPES

    return list(RECIPES) if "all" in options.names else list(options.names)


def _command(name: str, options: argparse.Namespace) -> str:
    """The command that trains one model as this one was trained, for its manifest."""
    words = ["python", "-m", "training", "train", name, "--seed", str(options.seed)]
    for flag in ("epochs", "subset"):
        value = getattr(options, flag)
        words += [] if value is None else [f"--{flag}", str(value)]
    words += [] if options.fine_tuning else ["--no-fine-tuning"]
    return shlex.join(words)


if __name__ == "__main__":
    main()
