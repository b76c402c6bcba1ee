"""The record of a training run of the denoiser of photographs."""

from dataclasses import dataclass, field

from training.record import RunRecord


@dataclass(frozen=True)
class PhotoRecord(RunRecord):
    """A training: first what identifies it, then its results.

    Args:
        seed: Of the weights and batches.
        photographs: Digest of the names and sizes of the images trained on.
        training_images: Their number.
        validation: Digest of the names and sizes of the images validated with.
        validation_images: Their number.
        model: What is trained, in words.
        settings: How it is trained, in words.
        precision: Keras's dtype policy.
        command: That repeats the training, unless there is something in before.
        licence: Of the photographs, in words.
        steps: Batches in all.
        backend: Of Keras.
        minutes: Of training in all, instead of steps; 0 where steps count.
        epochs: Pixels of all patches over those of the photographs, rounded, at least 1.
        gigapixels: Of all patches.
        hours: Of training, in all runs.
        trained_at: ISO 8601, empty until the training has ended.
        versions: Of the packages used.
        before: Where settings were amended on the way, what they were and up to which step.
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
    before: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether there are trained weights beside this record."""
        return self.trained_at != ""
