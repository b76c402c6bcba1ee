"""What all experiments share: the data, the folders, how many seeds, how long is trained."""

from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path

from training.datasets import fashion_mnist
from training.datasets.fashion_mnist import FashionMnist


@dataclass(frozen=True)
class Setup:
    """How experiments are run.

    Args:
        data: Fashion-MNIST, of whose training images the first ones may be left.
        runs: Folder of training runs; what is measured is kept in its folder `experiments`.
        models: Folder of exported models.
        out: Folder of figures.
        seeds: How often each training is repeated, with the seeds 0, 1, ….
        epochs: Of each phase of each training.
        architectures: Those that are compared.
    """

    data: FashionMnist
    runs: Path
    models: Path
    out: Path
    seeds: int
    epochs: int
    architectures: tuple[str, ...]

    @classmethod
    def of(cls, options: Namespace) -> "Setup":
        """Return the setup that options of the command line describe."""
        data = fashion_mnist.load(options.data)
        data = replace(
            data,
            train=data.train[: options.images],
            train_labels=data.train_labels[: options.images],
        )
        return cls(
            data,
            options.runs,
            options.models,
            options.out,
            options.seeds,
            options.epochs,
            tuple(dict.fromkeys(options.architectures)),
        )

    @property
    def settings(self) -> str:
        """How long is trained on how much: what was measured with others is not mixed up."""
        return f"{self.epochs}-epochs-{len(self.data.train)}-images"

    def folder(self, name: str) -> Path:
        """Return where an experiment, or `models` of all of them, keeps what it has done."""
        return self.runs / "experiments" / self.settings / name
