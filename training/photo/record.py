"""What is remembered of a training of the denoiser of photographs."""

from dataclasses import dataclass, field

from training.record import Kept


@dataclass(frozen=True)
class PhotoRecord(Kept):
    """A training: first what tells it from any other, then what is known of how it went.

    photographs, validation: digests of the names and sizes of the images trained on and validated
    with, of which there are so many; model, settings, precision: what is trained and how, in words;
    licence: of the photographs, in words; steps: until the end; epochs: patches of as many pixels
    as the photographs have; trained_at: ISO 8601, empty until the training has ended; versions: of
    the packages used.
    """

    seed: int
    photographs: str
    training_images: int
    validation: str
    validation_images: int
    model: str
    settings: str
    precision: str
    command: str
    licence: str
    steps: int
    backend: str
    epochs: int = 0
    trained_at: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether there are trained weights beside this record."""
        return self.trained_at != ""
