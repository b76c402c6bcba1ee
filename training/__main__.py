"""Command line of the training: python -m training train|export|evaluate|figures."""

import argparse
import os
import shlex
from datetime import datetime
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read by TensorFlow when it is imported

LICENCE = "MIT"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Exits with 2 for arguments that cannot be used."""
    options = _parser().parse_args(arguments)
    options.run(options)


def _train(options: argparse.Namespace) -> None:
    from training.datasets import fashion_mnist
    from training.recipes import RECIPES
    from training.train import train

    data = fashion_mnist.load(options.data, subset=options.subset)
    for name in _names(options):
        print(f"== {name}: {RECIPES[name].summary}")
        train(
            RECIPES[name],
            data,
            options.runs / name,
            seed=options.seed,
            command=_command(name, options),
            epochs=options.epochs,
        )


def _export(options: argparse.Namespace) -> None:
    from importlib import metadata

    from service.manifest import Provenance
    from training import card
    from training.evaluate import before_fine_tuning
    from training.export import export
    from training.recipes import RECIPES
    from training.train import load

    for name in _names(options):
        autoencoder, record = load(options.runs / name)
        folder = options.models / name / str(options.version)
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
        added.add_argument("--version", type=int, default=1, help="version of the model")

    def of_data(added: argparse.ArgumentParser) -> None:
        added.add_argument("--data", type=Path, help="folder with Fashion-MNIST's four .gz files")
        added.add_argument("--subset", type=int, help="only so many training images")

    trained = command("train", _train, "train a model, or go on with one that was stopped")
    of_models(trained)
    of_data(trained)
    trained.add_argument("--seed", type=int, default=42)
    trained.add_argument("--epochs", type=int, help="instead of the recipe's, in every phase")

    exported = command("export", _export, "write a trained model as ONNX, with its manifest")
    of_models(exported)
    of_folder(exported)

    evaluated = command("evaluate", _evaluate, "measure models as they are served")
    of_models(evaluated)
    of_folder(evaluated)
    of_data(evaluated)

    drawn = command("figures", _figures, "draw what the models do and how they were trained")
    of_folder(drawn)
    of_data(drawn)
    drawn.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder of figures")
    return parser


def _names(options: argparse.Namespace) -> list[str]:
    from training.recipes import RECIPES

    return list(RECIPES) if "all" in options.names else list(options.names)


def _command(name: str, options: argparse.Namespace) -> str:
    """The command that trains one model as this one was trained, for its manifest."""
    words = ["python", "-m", "training", "train", name, "--seed", str(options.seed)]
    for flag in ("epochs", "subset"):
        value = getattr(options, flag)
        words += [] if value is None else [f"--{flag}", str(value)]
    return shlex.join(words)


if __name__ == "__main__":
    main()
