"""Command line of the training: python -m training train|export|evaluate|figures."""

import argparse
import os
import shlex
import sys
from datetime import datetime
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read by TensorFlow when it is imported


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit with 2 for arguments that cannot be used, 1 for what failed."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError, FloatingPointError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


def _train(options: argparse.Namespace) -> None:
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
    from training.datasets.fashion_mnist import LICENCE
    from training.evaluate import before_fine_tuning
    from training.export import export
    from training.recipes import RECIPES
    from training.train import load

    for name in _names(options):
        autoencoder, record = load(options.runs / name)
        folder = options.models / name / str(options.version)
        if folder.exists() and not options.replace:
            raise FileExistsError(
                f"{folder}: expected a version that does not exist yet, received one that does; "
                "--version names another, --replace replaces it"
            )
        before = record.validation_mse_before_fine_tuning
        packages = ("tensorflow", "tf2onnx", "onnx", "onnxruntime")
        manifest = export(
            autoencoder,
            folder,
            summary=RECIPES[name].summary,
            denoises=RECIPES[name].noise is not None,
            measurements=(
                () if before is None else (before_fine_tuning(before, record.validation_images),)
            ),
            provenance=Provenance(
                dataset=f"Fashion-MNIST ({record.training_images:,} training images)",
                dataset_licence=LICENCE,
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


def _evaluate(options: argparse.Namespace) -> None:
    from training.datasets import fashion_mnist
    from training.evaluate import Comparison, evaluate

    data = fashion_mnist.load(options.data, subset=options.subset)
    comparison = Comparison(data)
    for name in _names(options):
        manifest = evaluate(options.models / name / str(options.version), data, comparison)
        error = manifest.measurements[0]
        print(f"{name}: {error.quantity} {error.value:.5f} on {error.data}")


def _figures(options: argparse.Namespace) -> None:
    from training.datasets import fashion_mnist
    from training.figures import draw
    from training.recipes import RECIPES

    noises = {name: recipe.noise for name, recipe in RECIPES.items() if recipe.noise}
    data = fashion_mnist.load(options.data, subset=options.subset)
    for path in draw(options.models, options.runs, data, options.out, noises=noises):
        print(path)


def _parser() -> argparse.ArgumentParser:
    from training.recipes import RECIPES

    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        added.add_argument("--runs", type=Path, default=Path("runs"), help="folder of trainings")
        return added

    def of_models(added: argparse.ArgumentParser) -> None:
        added.add_argument("names", nargs="+", choices=[*RECIPES, "all"], help="which models")

    def of_folder(added: argparse.ArgumentParser) -> None:
        added.add_argument("--models", type=Path, default=Path("models"), help="folder of models")
        added.add_argument("--version", type=_positive, default=1, help="version of the model")

    def of_data(added: argparse.ArgumentParser) -> None:
        added.add_argument("--data", type=Path, help="folder with Fashion-MNIST's four .gz files")
        added.add_argument("--subset", type=_positive, help="only so many training images")

    trained = command("train", _train, "train a model, or go on with one that was stopped")
    of_models(trained)
    of_data(trained)
    trained.add_argument("--seed", type=int, default=42)
    trained.add_argument("--epochs", type=_positive, help="instead of the recipe's, in every phase")
    trained.add_argument(
        "--no-fine-tuning",
        dest="fine_tuning",
        action="store_false",
        help="end layer by layer training with the last phase",
    )
    trained.add_argument("--again", action="store_true", help="even what was trained already")

    exported = command("export", _export, "write a trained model as ONNX, with its manifest")
    of_models(exported)
    of_folder(exported)
    exported.add_argument("--replace", action="store_true", help="a version that exists already")

    evaluated = command("evaluate", _evaluate, "measure models as they are served")
    of_models(evaluated)
    of_folder(evaluated)
    of_data(evaluated)

    drawn = command("figures", _figures, "draw what the models do and how they were trained")
    of_folder(drawn)
    of_data(drawn)
    drawn.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder of figures")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, received {value}")
    return value


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
