"""How the denoiser of photographs is fitted."""

from dataclasses import dataclass

from training.photo.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class PhotoFitSettings(Schedule):
    """Muon on the error of each patch, of patches that grow.

    Args:
        pixels: Of a batch.
        weight_decay: Of Muon.
        clip: Largest norm of the gradient of all weights together. Usual ones have 0.05 to 0.2; a
            batch that explodes would stay in the moments for hundreds of steps.
        sizes: Sides of the patches in pixels, one after the other (patches grow as in Zamir et
            al., 2022, arXiv 2111.09881).
        shares: Of the training for each size.
        squared: Share at the end in which the error is the root of the mean square, of which PSNR
            is made, instead of the mean absolute one.

    Raises:
        ValueError: Sizes and shares do not match.
    """

    steps: int = 116_000
    learning_rate: float = 1.5e-3
    warmup: int = 500
    decay: float = 0.4
    pixels: int = 512**2
    weight_decay: float = 0.1
    clip: float = 0.3
    sizes: tuple[int, ...] = (64, 128, 192, 256)
    shares: tuple[float, ...] = (0.1, 0.5, 0.2, 0.2)
    squared: float = 0.4

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.shares) or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(
                f"expected a share for each of the sizes {self.sizes}, 1 in all, received "
                f"{self.shares}"
            )

    def size(self, progress: float) -> int:
        """Return the side of the patches at a progress from 0 to 1."""
        reached = 0.0
        for size, share in zip(self.sizes, self.shares, strict=True):
            reached += share
            if progress < reached:
                return size
        return self.sizes[-1]

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate of a step: lower in proportion as patches are wider.

        A batch holds fewer of them, each with a noise of its own, so its gradient varies more: with
        the root of the number of patches, as the learning rate does (Malladi et al., 2022, arXiv
        2205.10287).
        """
        return super().rate(step, progress) * self.sizes[0] / self.size(progress)

    def is_squared(self, progress: float) -> bool:
        """Return whether the error is the root of the mean square at a progress."""
        return progress >= 1 - self.squared

    def __str__(self) -> str:
        sizes = ", ".join(
            f"{size} ({share:.0%})" for size, share in zip(self.sizes, self.shares, strict=True)
        )
        return (
            f"batches of {self.pixels / 1e6:.2f} MP, patches of {sizes} pixels, mean absolute "
            f"error, in the last {self.squared:.0%} root mean square error of each patch, Muon "
            f"with a weight decay of {self.weight_decay:g}, gradients of a norm up to "
            f"{self.clip:g} and a learning rate up to {self.learning_rate:g}, rising in "
            f"{self.warmup} steps, lower as patches are wider, falling in the last "
            f"{self.decay:.0%}; moving average of the weights {self.momentum:g}"
        )
