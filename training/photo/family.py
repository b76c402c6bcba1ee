"""The denoiser of photographs, as the command line sees it."""

import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from service.manifest import Manifest
from training import backend
from training.arguments import Argument, Command
from training.datasets import photos
from training.datasets.photos import Folder
from training.photo.arguments import ARGUMENTS
from training.photo.schedule import Schedule
from training.results import Results

NAME = "photo"
ESTIMATOR = "photo-estimator"

Fit = TypeVar("Fit", bound=Schedule)


class PhotoFamily:
    """The residual U-Net of `training.photo.recipe`, and the estimator of noise beside it."""

    title = "denoisers of photographs"
    names = (NAME, ESTIMATOR)

    def arguments(self, command: Command) -> Sequence[Argument]:
        return ARGUMENTS[command]

    def claims(self, command: Command, name: str, options: Namespace) -> bool:  # noqa: ARG002
        return name in self.names

    def owns(self, manifest: Manifest) -> bool:
        operations = manifest.operations.values()
        return any("height" in operation.input.shape for operation in operations)

    def train(self, names: Sequence[str], options: Namespace) -> None:
        if options.steps and options.minutes:
            raise ValueError("--minutes: expected none where --steps sets the length")
        if options.start and NAME not in names:
            raise ValueError(f"--start: expected with {NAME} alone, received {', '.join(names)}")
        images = _folder(options)
        from training.photo.launch import is_launched, launch

        keras_backend = backend.load()
        if options.processes > 1 and not is_launched():
            if keras_backend != "torch":
                raise ValueError(
                    f"KERAS_BACKEND: expected torch for several processes, received {keras_backend}"
                )
            launch(options.processes, options.words)
            return
        from training.autoencoders.photo import Computation
        from training.photo import recipe
        from training.photo.estimate.fit import EstimatorPlan
        from training.photo.fit import DenoiserPlan
        from training.photo.joined import join
        from training.photo.start import Start
        from training.photo.train import Data, Plan, train

        if options.validation:
            held_out = photos.folder(options.validation)
        else:
            images, held_out = images.split(recipe.HELD_OUT)
        # The quicker layout of each backend on a CPU; TensorFlow has only one there.
        computation = Computation(
            options.precision, "channels_first" if keras_backend == "torch" else "channels_last"
        )
        with join() as processes:
            if not options.validation and processes.is_first:
                print(
                    f"validating with {len(held_out)} of the photographs, each {recipe.HELD_OUT}th "
                    "in the order of their names, and training on the others"
                )
            start = Start(options.start) if options.start else None
            for name in names:
                plan: Plan
                if name == NAME:
                    fit = _of_length(recipe.CONTINUED if start else recipe.FIT, options)
                    plan = DenoiserPlan(recipe.CONFIG, fit, computation, start)
                else:
                    plan = EstimatorPlan(
                        recipe.ESTIMATOR, _of_length(recipe.ESTIMATOR_FIT, options)
                    )
                train(
                    plan,
                    Data(images, held_out, options.licence),
                    options.runs / name,
                    seed=options.seed,
                    command=_command(name, options, plan.schedule.steps),
                    again=options.again,
                    amend=options.amend,
                    workers=options.workers,
                    processes=processes,
                )

    def export(self, folders: Mapping[str, Path], options: Namespace) -> None:
        folder = folders.get(NAME)
        if folder is None:
            raise ValueError(f"names: expected {NAME}, {ESTIMATOR} is exported with it")
        backend.load()
        from training import card
        from training.photo import export, provenance, recipe
        from training.photo.estimate.fit import WEIGHTS as ESTIMATOR_WEIGHTS
        from training.photo.fit import WEIGHTS
        from training.photo.train import load

        sources = options.sources
        if sources is None and options.denoiser and (options.denoiser / export.SOURCES).is_file():
            sources = options.denoiser / export.SOURCES
        named = {"dataset": options.dataset, "note": options.note}
        denoiser: export.Denoiser
        if options.denoiser:
            denoiser = export.Exported(options.denoiser)
            source = Manifest.read(options.denoiser).provenance
        else:
            record = load(options.runs / NAME, str(recipe.CONFIG))
            denoiser = export.Trained(recipe.CONFIG, options.runs / NAME / WEIGHTS)
            source = provenance.of_denoiser(record, **named)
        estimator = load(options.runs / ESTIMATOR, str(recipe.ESTIMATOR))
        manifest = export.export(
            denoiser,
            (recipe.ESTIMATOR, options.runs / ESTIMATOR / ESTIMATOR_WEIGHTS),
            folder,
            summary=recipe.SUMMARY,
            provenance=provenance.with_estimator(source, estimator, **named),
            sources=sources,
        )
        card.write(manifest, folder)
        print(f"{folder}: {', '.join(manifest.operations)}")

    def evaluate(self, folders: Sequence[Path], options: Namespace) -> None:
        images = _folder(options)
        from training.photo.evaluate import evaluate

        for folder in folders:
            evaluate(
                folder,
                images,
                validation=photos.folder(options.validation) if options.validation else None,
                cameras=photos.folder(options.cameras) if options.cameras else None,
                parts=options.parts,
                sigmas=options.sigmas,
                crop=options.crop,
                compare=options.compare,
            )

    def index(self, folders: Sequence[Path], options: Namespace) -> None:  # noqa: ARG002
        raise ValueError(
            f"names: expected models that encode, received {folders[0].parent.name}, which denoises"
        )

    def results(self, run: Path, options: Namespace) -> Results:  # noqa: ARG002
        raise ValueError(
            f"names: expected a model with codings, received {run.name}; evaluate measures it"
        )

    def draw(self, options: Namespace) -> None:
        images = _folder(options)
        from service.inference.loader import load, newest
        from training.photo.figures import draw

        exported = newest(options.models).get(NAME)
        for path in draw(images, load(exported) if exported else None, options.out):
            print(path)


def _of_length(fit: Fit, options: Namespace) -> Fit:
    """Return a recipe's settings with the length that the options name."""
    return replace(fit, steps=options.steps or fit.steps, minutes=options.minutes)


def _folder(options: Namespace) -> Folder:
    if options.photos is None:
        raise ValueError("--photos: expected a folder of photographs, received none")
    return photos.folder(options.photos)


def _command(name: str, options: Namespace, steps: int) -> str:
    """Return the command that trains as these options do, folders by their names alone."""
    words = ["python", "-m", "training", "train", name, "--seed", str(options.seed)]
    for flag, folder in (("--photos", options.photos), ("--validation", options.validation)):
        words += [flag, folder.resolve().name] if folder else []
    if options.start and name == NAME:
        words += ["--start", Path(*options.start.resolve().parts[-3:]).as_posix()]
    if options.minutes:
        words += ["--minutes", f"{options.minutes:g}"]
    else:
        words += ["--steps", str(steps)]
    if options.precision != "float32":
        words += ["--precision", options.precision]
    return shlex.join(words)
