"""What the parts share: options, the time left, sessions, and a square picture to run."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.gpu.clock import Clock
from benchmarks.photographs.pictures import Pixels, made_up, noisy, sized
from service.inference.device import Cuda, Execution
from service.inference.loader import newest
from service.inference.session import Session
from service.manifest import Manifest, Operation

SMALL = "denoising-dropout"
"""The model of small requests."""


@dataclass(frozen=True)
class Tuned(Cuda):
    """Options of CUDA with further ones, by ONNX Runtime's names."""

    more: Mapping[str, str] = field(default_factory=dict)

    def options(self, *, graphs: bool) -> dict[str, str]:
        return super().options(graphs=graphs) | dict(self.more)


@dataclass(frozen=True)
class Stand:
    """What a part needs: the options of the command line, and its clock."""

    options: argparse.Namespace
    clock: Clock

    @property
    def device(self) -> Literal["cuda", "cpu"]:
        """Where it is measured."""
        device: Literal["cuda", "cpu"] = self.options.device
        return device

    def execution(self, cuda: Cuda = Cuda()) -> Execution:  # noqa: B008 - frozen
        """Return how sessions run, with the service's settings by default."""
        return Execution(self.device, cuda=cuda)

    @cached_property
    def folders(self) -> dict[str, Path]:
        """The folder of each model's newest version, by name."""
        return newest(self.options.models)

    def operations(self) -> Iterator[tuple[str, str, Path, Operation]]:
        """Yield model, operation, graph and description of all that is served."""
        for name, folder in self.folders.items():
            for operation, described in Manifest.read(folder).operations.items():
                yield name, operation, folder / described.file, described

    def denoiser(self, name: str) -> tuple[Path, Operation]:
        """Return the graph of a denoiser and its description."""
        described = Manifest.read(self.folders[name]).operations["denoise"]
        return self.folders[name] / described.file, described

    def session(self, name: str, cuda: Cuda = Cuda()) -> Session:  # noqa: B008 - frozen
        """Return a new session of a denoiser."""
        return Session(*self.denoiser(name), self.execution(cuda))

    @cached_property
    def picture(self) -> Pixels:
        """A picture without noise, from which all others are cut or mirrored."""
        given = self.options.picture
        return np.load(given) if given else made_up(0)

    def square(self) -> tuple[Pixels, Pixels]:
        """Return a picture of one tile, without and with noise, uint8 (side, side, 3)."""
        side = self.options.tile
        clean = sized(self.picture, 2 * side * side / 1e6)[:side, :side]
        return clean, noisy(clean)


def as_inputs(pixels: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return pixels as the photographs' model takes them, (1, height, width, 3) in [0, 1]."""
    return np.asarray(pixels[None] / np.float32(255), np.float32)
