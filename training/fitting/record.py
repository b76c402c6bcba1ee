"""The record of a training run of an autoencoder."""

from dataclasses import dataclass, field, replace
from typing import Any

from training.record import RunRecord


@dataclass(frozen=True)
class TrainingRecord(RunRecord):
    """A training: first what identifies it, then its results.

    Args:
        command: The command that trains the model.
        seed: Of weights, batches and noise.
        training_images: Their number.
        validation_images: Their number.
        settings: How each phase is fitted, in words.
        model: SHA-256 of the model's configuration.
        backend: Keras's backend.
        epochs: The epochs run, of all phases.
        validation_mse_before_fine_tuning: None where there is no fine-tuning.
        trained_at: ISO 8601, empty until the training has ended.
        versions: Versions of the packages used.
        own: What identifies one's own data, and how they become the model's numbers; empty for
            Fashion-MNIST.
    """

    command: str
    seed: int
    training_images: int
    validation_images: int
    settings: str
    model: str
    backend: str
    epochs: int = 0
    validation_mse_before_fine_tuning: float | None = None
    trained_at: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the training has ended, so that there is a trained model beside the record."""
        return self.trained_at != ""

    def is_of(self, other: "TrainingRecord") -> bool:
        """Return whether both records identify the same training."""
        mine, others = (
            replace(
                each,
                command="",
                epochs=0,
                validation_mse_before_fine_tuning=None,
                trained_at="",
                versions={},
            )
            for each in (self, other)
        )
        return mine == others
