"""The record of a training run of an autoencoder."""

from dataclasses import asdict, dataclass, field
from typing import Any

from training.record import RunRecord

RESULTS = ("command", "epochs", "validation_mse_before_fine_tuning", "trained_at", "versions")
"""Fields that do not identify a training."""


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
        return not self.differences(other)

    def differences(self, other: "TrainingRecord") -> list[str]:
        """Return what two trainings differ in, as names of fields; none of the same training."""
        mine, others = (asdict(each) for each in (self, other))
        names = [name for name in mine if name not in RESULTS and mine[name] != others[name]]
        if "own" not in names:
            return names
        kept, wanted = self.own, other.own
        return [
            *(name for name in names if name != "own"),
            *(name for name in kept | wanted if kept.get(name) != wanted.get(name)),
        ]
