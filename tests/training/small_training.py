"""A training of a small network, as a program that is alone or one of several processes."""

import os
import signal
import sys
from pathlib import Path


def main(pictures: Path, folder: Path, stop_after: int) -> None:
    """Train; in the last process, send SIGTERM after a step, or SIGKILL after a negative one."""
    from training import backend

    backend.load()  # imported here, as the processes that make batches need none of it
    from training.autoencoders.photo import Computation, PhotoConfig
    from training.datasets import photos
    from training.photo import loop
    from training.photo.fit import DenoiserPlan
    from training.photo.joined import join
    from training.photo.settings import PhotoFitSettings
    from training.photo.train import Data, train

    # Batches of 7 patches, then of one: some processes have more of them than others, or none.
    settings = PhotoFitSettings(
        steps=12,
        pixels=7 * 32**2,
        warmup=2,
        decay=0.5,
        sizes=(32, 80),
        shares=(0.75, 0.25),
        squared=0.25,
        validate_every=12,
        save_every=100,
    )
    loop.AVERAGE_EVERY = 1
    with join() as processes:
        is_last = processes.number == processes.count - 1
        advance = loop._Run.advance

        def stopping(self: loop._Run, pixels: int, seconds: float) -> int:
            step = advance(self, pixels, seconds)
            if step == abs(stop_after) and is_last:
                os.kill(os.getpid(), signal.SIGTERM if stop_after > 0 else signal.SIGKILL)
            return step

        loop._Run.advance = stopping  # type: ignore[method-assign]
        train(
            DenoiserPlan(PhotoConfig((8, 16), (1, 1)), settings, Computation()),
            Data(*photos.folder(pictures).split(3), licence="none"),
            folder,
            seed=1,
            command="none",
            processes=processes,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
