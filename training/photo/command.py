"""The command line's part of the denoiser of photographs: its options, and what they start.

Options that are left out are no attributes at all, so that whoever gives one where it has no
meaning can be told.
"""

import argparse
import shlex
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

NAME = "photo"
OTHERS = ("epochs", "subset", "data")
"""Options of Fashion-MNIST's models, which mean nothing here."""


def add_training(parser: argparse.ArgumentParser, number: Callable[[str], int]) -> None:
    """Add the options of train; number: what reads a whole number from 1."""
    group = _group(parser, "photo alone")
    group("--photos", type=Path, metavar="DIR", help="folder of photographs to train on")
    group(
        "--validation",
        type=Path,
        metavar="DIR",
        help="folder of photographs to validate with; each 20th of --photos where it is left out",
    )
    group("--licence", metavar="TEXT", help="of the photographs, for the model's card")
    group("--steps", type=number, help="batches in all, instead of the recipe's")
    group(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        help="of the arithmetic, float32 where it is left out",
    )
    group("--workers", type=number, help="processes that make batches, 1 where it is left out")


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the options of export."""
    group = _group(parser, "photo alone")
    group("--dataset", metavar="TEXT", help="what the photographs were, for the model's card")
    group("--note", metavar="TEXT", help="on the training, for the model's card: where, how long")


def add_evaluation(parser: argparse.ArgumentParser) -> None:
    """Add the options of evaluate."""
    group = _group(parser, "denoisers of photographs alone")
    group("--photos", type=Path, metavar="DIR", help="folder of clean images to measure on")
    group("--sigmas", type=_sigmas, help="of white noise, 15,25,50 where it is left out")
    group("--crop", action="store_true", help="the middle 500 x 500 pixels of each image alone")
    group(
        "--no-comparison",
        action="store_true",
        help="keep what was measured of other denoisers, which takes the longest",
    )


def add_figures(parser: argparse.ArgumentParser) -> None:
    """Add the options of figures."""
    group = _group(parser, "figures of photographs, instead of the others")
    group("--photos", type=Path, metavar="DIR", help="folder of photographs to show")


def is_asked_for(options: argparse.Namespace) -> bool:
    """Tell whether train or export are for photographs.

    Raises ValueError where they are for others too, or an option does not belong to what is asked.
    """
    if NAME in options.names and len(options.names) > 1:
        raise ValueError(f"names: expected {NAME} alone, received {' '.join(options.names)}")
    asked: bool = options.names == [NAME]
    own = ("photos", "validation", "licence", "steps", "precision", "workers", "dataset", "note")
    given = [
        *(name for name in own if not asked and hasattr(options, name)),
        *(name for name in OTHERS if asked and getattr(options, name, None) is not None),
    ]
    if given:
        raise ValueError(f"--{given[0]}: expected no such option for {' '.join(options.names)}")
    return asked


def train(options: argparse.Namespace) -> None:
    """Train on a folder of photographs, or resume what was stopped."""
    from dataclasses import replace

    import keras

    from training.autoencoders.photo import Computation
    from training.datasets import photos
    from training.photo import recipe
    from training.photo.train import Data, train

    images = _photos(options)
    if hasattr(options, "validation"):
        held_out = photos.folder(options.validation)
    else:
        images, held_out = images.split(recipe.HELD_OUT)
        print(
            f"validating with {len(held_out)} of the photographs, each {recipe.HELD_OUT}th in the "
            "order of their names, and training on the others"
        )
    steps = getattr(options, "steps", recipe.FIT.steps)
    train(
        recipe.CONFIG,
        replace(recipe.FIT, steps=steps),
        Computation(
            getattr(options, "precision", "float32"),
            # Each backend is quick in one of the two on a CPU; TensorFlow has but one there.
            "channels_first" if keras.backend.backend() == "torch" else "channels_last",
        ),
        Data(images, held_out, getattr(options, "licence", "not said")),
        options.runs / NAME,
        seed=options.seed,
        command=_command(options, steps),
        again=options.again,
        workers=getattr(options, "workers", 1),
    )


def export(options: argparse.Namespace, folder: Path) -> None:
    """Write the trained weights of a run as models/photo/<version>/."""
    from service.manifest import Provenance
    from training import card
    from training.photo import recipe
    from training.photo.export import export
    from training.photo.fit import WEIGHTS
    from training.photo.train import load
    from training.record import versions

    record = load(options.runs / NAME)
    if record.model != str(recipe.CONFIG):
        raise ValueError(
            f"{options.runs / NAME}: expected a training of a {recipe.CONFIG}, received one of a "
            f"{record.model}"
        )
    manifest = export(
        recipe.CONFIG,
        options.runs / NAME / WEIGHTS,
        folder,
        summary=recipe.SUMMARY,
        provenance=Provenance(
            dataset=getattr(options, "dataset", f"{record.training_images} photographs"),
            dataset_licence=record.licence,
            seed=record.seed,
            epochs=record.epochs,
            settings="; ".join(
                [
                    record.model,
                    f"{record.steps} {record.settings}",
                    f"{record.precision} by Keras on {record.backend}",
                    *([options.note] if hasattr(options, "note") else []),
                ]
            ),
            command=record.command,
            trained_at=datetime.fromisoformat(record.trained_at),
            versions=record.versions | versions("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
        ),
    )
    card.write(manifest, folder)


def evaluate(options: argparse.Namespace, folder: Path) -> None:
    """Measure a denoiser of photographs on clean images."""
    from training.photo.evaluate import SIGMAS, evaluate

    evaluate(
        folder,
        _photos(options),
        sigmas=getattr(options, "sigmas", SIGMAS),
        crop=hasattr(options, "crop"),
        compare=not hasattr(options, "no_comparison"),
    )


def figures(options: argparse.Namespace) -> None:
    """Draw the noise of training, and what the newest model makes of it where there is one."""
    from service.inference.loader import load, newest
    from training.photo.figures import draw

    found = newest(options.models).get(NAME)
    for path in draw(_photos(options), load(found) if found else None, options.out):
        print(path)


def _group(parser: argparse.ArgumentParser, title: str) -> Callable[..., Any]:
    group = parser.add_argument_group(title)

    def add(flag: str, **settings: Any) -> None:
        group.add_argument(flag, default=argparse.SUPPRESS, **settings)

    return add


def _photos(options: argparse.Namespace) -> Any:
    from training.datasets import photos

    if not hasattr(options, "photos"):
        raise ValueError("--photos: expected a folder of photographs, received none")
    return photos.folder(options.photos)


def _sigmas(text: str) -> tuple[float, ...]:
    values = tuple(map(float, text.split(",")))
    if not all(0 < value <= 255 for value in values):
        raise argparse.ArgumentTypeError(f"expected numbers above 0, to 255, received {text}")
    return values


def _command(options: argparse.Namespace, steps: int) -> str:
    """The command that trains as this one did; folders by their names, wherever they are."""
    words = ["python", "-m", "training", "train", NAME, "--seed", str(options.seed)]
    for flag in ("photos", "validation"):
        if hasattr(options, flag):
            words += [f"--{flag}", getattr(options, flag).resolve().name]
    words += ["--steps", str(steps)]
    if hasattr(options, "precision"):
        words += ["--precision", options.precision]
    return shlex.join(words)
