"""The denoiser of photographs, as the command line sees it."""

import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from service.manifest import Manifest, Provenance
from training import backend
from training.arguments import Argument, Command
from training.datasets import photos
from training.datasets.photos import Folder
from training.photo.arguments import ARGUMENTS

NAME = "photo"


class PhotoFamily:
    """The residual U-Net of `training.photo.recipe`, for photographs of any size."""

    title = "denoisers of photographs"
    names = (NAME,)

    def arguments(self, command: Command) -> Sequence[Argument]:
        return ARGUMENTS[command]

    def owns(self, manifest: Manifest) -> bool:
        operations = manifest.operations.values()
        return any("height" in operation.input.shape for operation in operations)

    def train(self, names: Sequence[str], options: Namespace) -> None:
        if options.steps and options.minutes:
            raise ValueError("--minutes: expected none where --steps sets the length")
        images = _folder(options)
        keras_backend = backend.load()
        from dataclasses import replace

        from training.autoencoders.photo import Computation
        from training.photo import recipe
        from training.photo.train import Data, train

        if options.validation:
            held_out = photos.folder(options.validation)
        else:
            images, held_out = images.split(recipe.HELD_OUT)
            print(
                f"validating with {len(held_out)} of the photographs, each {recipe.HELD_OUT}th in "
                "the order of their names, and training on the others"
            )
        steps = options.steps or recipe.FIT.steps
        for name in names:
            train(
                recipe.CONFIG,
                replace(recipe.FIT, steps=steps, minutes=options.minutes),
                Computation(
                    options.precision,
                    # The quicker layout of each backend on a CPU; TensorFlow has only one there.
                    "channels_first" if keras_backend == "torch" else "channels_last",
                ),
                Data(images, held_out, options.licence),
                options.runs / name,
                seed=options.seed,
                command=_command(options, steps),
                again=options.again,
                workers=options.workers,
            )

    def export(self, folders: Mapping[str, Path], options: Namespace) -> None:
        backend.load()
        from training import card
        from training.photo import recipe
        from training.photo.export import export
        from training.photo.fit import WEIGHTS
        from training.photo.train import load
        from training.record import versions

        run, folder = options.runs / NAME, folders[NAME]
        record = load(run)
        if record.model != str(recipe.CONFIG):
            raise ValueError(
                f"{run}: expected a training of a {recipe.CONFIG}, received one of a {record.model}"
            )
        settings = [
            record.model,
            f"{record.gigapixels:g} gigapixels in {record.hours:g} hours: {record.settings}",
            f"{record.precision} by Keras on {record.backend}",
        ]
        manifest = export(
            recipe.CONFIG,
            run / WEIGHTS,
            folder,
            summary=recipe.SUMMARY,
            provenance=Provenance(
                dataset=options.dataset or f"{record.training_images} photographs",
                dataset_licence=record.licence,
                seed=record.seed,
                epochs=record.epochs,
                settings="; ".join(settings + ([options.note] if options.note else [])),
                command=record.command,
                trained_at=datetime.fromisoformat(record.trained_at),
                versions=record.versions | versions("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
            ),
        )
        card.write(manifest, folder)
        print(f"{folder}: denoise")

    def evaluate(self, folders: Sequence[Path], options: Namespace) -> None:
        images = _folder(options)
        from training.photo.evaluate import evaluate

        for folder in folders:
            evaluate(
                folder,
                images,
                sigmas=options.sigmas,
                crop=options.crop,
                compare=options.compare,
            )

    def draw(self, options: Namespace) -> None:
        images = _folder(options)
        from service.inference.loader import load, newest
        from training.photo.figures import draw

        exported = newest(options.models).get(NAME)
        for path in draw(images, load(exported) if exported else None, options.out):
            print(path)


def _folder(options: Namespace) -> Folder:
    if options.photos is None:
        raise ValueError("--photos: expected a folder of photographs, received none")
    return photos.folder(options.photos)


def _command(options: Namespace, steps: int) -> str:
    """Return the command that trains as these options do, folders by their names alone."""
    words = ["python", "-m", "training", "train", NAME, "--seed", str(options.seed)]
    for flag, folder in (("--photos", options.photos), ("--validation", options.validation)):
        words += [flag, folder.resolve().name] if folder else []
    if options.minutes:
        words += ["--minutes", f"{options.minutes:g}"]
    else:
        words += ["--steps", str(steps)]
    if options.precision != "float32":
        words += ["--precision", options.precision]
    return shlex.join(words)
