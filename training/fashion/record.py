"""The record of a training run of a model of Fashion-MNIST."""

from dataclasses import dataclass, field, replace

from training.record import Kept


@dataclass(frozen=True)
class FashionRecord(Kept):
    """A training: first what tells it from any other, then what is known once it has ended.

    settings: how each phase is fitted, in words; model: a digest of the model's configuration;
    trained_at: ISO 8601, empty until the training has ended; versions: of the packages used.
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

    @property
    def ended(self) -> bool:
        """Whether there is a trained model beside this record."""
        return self.trained_at != ""

    def is_of(self, other: "FashionRecord") -> bool:
        """Tell whether both are of one training, however far it has come."""
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
