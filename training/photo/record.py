"""What is remembered of a training of the denoiser of photographs."""

from dataclasses import dataclass, field

from training.record import RunRecord


@dataclass(frozen=True)
class PhotoRecord(RunRecord):
    """A training of photographs: first what makes it unique, then how it went.

    Args:
        seed: of the weights and batches.
        photographs: digest of the names and sizes of the images trained on.
        training_images: how many there are.
        validation: digest of the names and sizes of the images validated with.
        validation_images: how many there are.
        model: what is trained, in words.
        settings: how it is trained, in words.
        precision: Keras's dtype policy.
        command: that repeats the training.
        licence: of the photographs, in words.
        steps: batches in all.
        backend: of Keras.
        minutes: of training in all, instead of steps; 0 where steps count.
        epochs: patches of as many pixels as the photographs have.
        gigapixels: of all patches.
        hours: of all sittings together.
        trained_at: ISO 8601, empty until the training has ended.
        versions: of the packages used.
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
    minutes: float = 0
    epochs: int = 0
    gigapixels: float = 0
    hours: float = 0
    trained_at: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether there are trained weights beside this record."""
        return self.trained_at != ""
