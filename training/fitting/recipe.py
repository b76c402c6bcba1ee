"""A recipe: what to build and how to fit it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from training.fitting.settings import FitSettings
from training.pixel_noise import Noise

if TYPE_CHECKING:
    from training.autoencoders.autoencoder import Autoencoder


@dataclass(frozen=True)
class Recipe:
    """What to build and how to fit it.

    Args:
        summary: One line for the manifest and the model card.
        build: Returns the untrained model for a seed.
        fit: How the whole model is fitted or, after greedy training, fine-tuned; None to leave
            fine-tuning out.
        noises: What a denoiser is trained to remove; the best epoch is chosen on clean images and
            on images with each of them.
        greedy: How each phase of layer-wise training is fitted; None to train the whole at once.
        pads: Whether items are sequences of several lengths, padded.
    """

    summary: str
    build: Callable[[int], "Autoencoder"]
    fit: FitSettings | None
    noises: tuple[Noise, ...] = ()
    greedy: FitSettings | None = None
    pads: bool = False

    def __str__(self) -> str:
        phases = {"each phase": self.greedy, "fine-tuning" if self.greedy else "": self.fit}
        return "; ".join(
            f"{name}: {settings}" if name else str(settings)
            for name, settings in phases.items()
            if settings
        )

    def changed(self, *, epochs: int | None = None, fine_tuning: bool = True) -> "Recipe":
        """Return the recipe with another number of epochs in every phase, or without fine-tuning.

        Raises:
            ValueError: There is no fine-tuning to leave out.
        """
        if not fine_tuning and not self.greedy:
            raise ValueError("fine-tuning: expected a model that is trained layer by layer")

        def with_epochs(settings: FitSettings | None) -> FitSettings | None:
            return settings and replace(settings, epochs=epochs or settings.epochs)

        fit = with_epochs(self.fit) if fine_tuning else None
        return replace(self, fit=fit, greedy=with_epochs(self.greedy))
