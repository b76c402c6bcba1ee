"""How the denoiser of photographs is fitted: everything follows the share of the training done."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PhotoFitSettings:
    """Muon on the error of each patch; the learning rate rises, stays, then falls to zero.

    What changes during the training depends on its progress, the share of all steps, or of the
    time given, that is done. As the learning rate is constant before its fall, a training may be
    resumed with another length until then (Hu et al., 2024, arXiv 2404.06395).

    Args:
        steps: Batches in all.
        minutes: Of training in all, instead of steps; 0 where steps count.
        pixels: Of a batch.
        learning_rate: The highest.
        weight_decay: Of Muon.
        warmup: Steps in which the learning rate rises.
        decay: Share at the end in which the learning rate falls, along a line.
        sizes: Sides of the patches in pixels, one after the other (patches grow as in Zamir et
            al., 2022, arXiv 2111.09881).
        shares: Of the training for each size.
        squared: Share at the end in which the error is the root of the mean square, of which PSNR
            is made, instead of the mean absolute one.
        momentum: Of the moving average of the weights, per step.
        validate_every: Steps between validations.
        save_every: Steps between checkpoints.

    Raises:
        ValueError: Sizes and shares do not match.
    """

    steps: int = 116_000
    minutes: float = 0
    pixels: int = 512**2
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup: int = 500
    decay: float = 0.4
    sizes: tuple[int, ...] = (64, 128, 192, 256)
    shares: tuple[float, ...] = (0.1, 0.5, 0.2, 0.2)
    squared: float = 0.4
    momentum: float = 0.999
    validate_every: int = 2000
    save_every: int = 250

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.shares) or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(
                f"expected a share for each of the sizes {self.sizes}, 1 in all, received "
                f"{self.shares}"
            )

    def progress(self, step: int, seconds: float) -> float:
        """Return the share of the training, 0 to 1, that so many steps or seconds are."""
        done = seconds / 60 / self.minutes if self.minutes else step / self.steps
        return min(1.0, done)

    def size(self, progress: float) -> int:
        """Return the side of the patches at a progress from 0 to 1."""
        reached = 0.0
        for size, share in zip(self.sizes, self.shares, strict=True):
            reached += share
            if progress < reached:
                return size
        return self.sizes[-1]

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate of a step, counted from 0."""
        rise = (step + 1) / self.warmup
        fall = (1 - progress) / self.decay
        return self.learning_rate * min(1.0, rise, max(0.0, fall))

    def is_squared(self, progress: float) -> bool:
        """Return whether the error is the root of the mean square at a progress."""
        return progress >= 1 - self.squared

    def is_falling(self, progress: float) -> bool:
        """Return whether the learning rate falls at a progress."""
        return progress > 1 - self.decay

    def __str__(self) -> str:
        sizes = ", ".join(
            f"{size} ({share:.0%})" for size, share in zip(self.sizes, self.shares, strict=True)
        )
        return (
            f"batches of {self.pixels / 1e6:.2f} MP, patches of {sizes} pixels, mean absolute "
            f"error, in the last {self.squared:.0%} root mean square error of each patch, Muon "
            f"with a weight decay of {self.weight_decay:g} and a learning rate up to "
            f"{self.learning_rate:g}, rising in {self.warmup} steps, falling in the last "
            f"{self.decay:.0%}; moving average of the weights {self.momentum:g}"
        )
