"""The parts of an evaluation, by name: each is some test cases and what is measured with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from service.inference.tiling.denoise import Denoiser
from service.manifest import Measurement
from training.datasets.photos import Folder, Pixels
from training.measurement import CLEAN
from training.photo import classical
from training.photo.cases import camera, flat, grain, grid, impulse, jpeg, pairs, white
from training.photo.cases.case import Case
from training.photo.measures import constant_sigma, errors, fidelity
from training.photo.measures.bench import Bench

TOLD = 6.0
"""A noise level that suits many photographs of cameras, on the scale of 0 to 255."""
MEANS_SIGMA = 25.0


@dataclass(frozen=True)
class Images:
    """Clean images.

    Args:
        data: What they are, in words.
        pixels: uint8 (height, width, 3) each.
    """

    data: str
    pixels: Sequence[Pixels]


@dataclass(frozen=True)
class Subject:
    """A model and what it is measured on.

    Args:
        denoiser: Of the model.
        images: That papers measure on.
        validation: Those that settings are chosen with, if given.
        cameras: Pairs of noisy photographs and clean ones, if given.
        sigmas: Standard deviations of white noise, on the scale of 0 to 255.
        compare: Whether to measure classical denoisers too, on white and camera noise.
        announce: Receives a line for each figure.
    """

    denoiser: Denoiser
    images: Images
    validation: Images | None = None
    cameras: Folder | None = None
    sigmas: Sequence[float] = white.SIGMAS
    compare: bool = False
    announce: Callable[[str], None] = field(default=print)

    @property
    def bench(self) -> Bench:
        """Where it is measured on the images."""
        return Bench(self.denoiser, self.images.data, self.announce)


Part = Callable[[Subject], Iterator[Measurement]]


def _clean(subject: Subject) -> Iterator[Measurement]:
    for images in (subject.images, subject.validation):
        if images:
            bench = replace(subject.bench, data=images.data)
            yield from fidelity.clean(bench, images.pixels, CLEAN)


def _white(subject: Subject) -> Iterator[Measurement]:
    for sigma in subject.sigmas:
        yield from _compared(subject, white.case(subject.images.pixels, sigma))


def _camera(subject: Subject) -> Iterator[Measurement]:
    for case in camera.cases(subject.images.pixels):
        yield from _compared(subject, case)


def _compared(subject: Subject, case: Case) -> Iterator[Measurement]:
    yield from fidelity.blind(subject.bench, case)
    yield from fidelity.told(subject.bench, case)
    if subject.compare:
        for method, restore in classical.prepare(case, subject.announce):
            yield from fidelity.other(subject.bench, case, method, restore)


def _pairs(subject: Subject) -> Iterator[Measurement]:
    if subject.cameras is None:
        return
    case = pairs.case(subject.cameras)
    data = f"{len(case.noisy)} pairs of {subject.cameras.root.resolve().name}"
    bench = replace(subject.bench, data=data)
    yield from fidelity.blind(bench, case)
    yield from fidelity.told(bench, case, TOLD)
    yield from fidelity.told(bench, case)


def _grid(subject: Subject) -> Iterator[Measurement]:
    if subject.validation is None:
        return
    bench = replace(subject.bench, data=subject.validation.data)
    for case in grid.cases(subject.validation.pixels):
        yield from constant_sigma.against_constant(bench, case)


def _grain(subject: Subject) -> Iterator[Measurement]:
    case = grain.case(subject.images.pixels)
    yield from fidelity.blind(subject.bench, case)
    yield from fidelity.told(subject.bench, case)


def _impulse(subject: Subject) -> Iterator[Measurement]:
    for case in impulse.cases(subject.images.pixels):
        yield from fidelity.blind(subject.bench, case)


def _jpeg(subject: Subject) -> Iterator[Measurement]:
    for case in jpeg.cases(subject.images.pixels):
        yield from fidelity.blind(subject.bench, case)


def _flat(subject: Subject) -> Iterator[Measurement]:
    yield from errors.plain(replace(subject.bench, data=flat.DATA), flat.case())


def _means(subject: Subject) -> Iterator[Measurement]:
    yield from errors.brightness(subject.bench, white.case(subject.images.pixels, MEANS_SIGMA))


PARTS: Mapping[str, Part] = {
    "clean": _clean,
    "white": _white,
    "camera": _camera,
    "pairs": _pairs,
    "grain": _grain,
    "impulse": _impulse,
    "jpeg": _jpeg,
    "flat": _flat,
    "means": _means,
    "grid": _grid,
}
"""In the order of the card; the grid takes longest."""
