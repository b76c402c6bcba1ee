"""What is remembered of a training beside its weights."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

FILE_NAME = "training.json"


@dataclass(frozen=True)
class Record:
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

    def is_of(self, other: "Record") -> bool:
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

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Return the record of a run's folder.

        Raises FileNotFoundError where it has none, ValueError where it is not as this one.
        """
        try:
            return cls(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{folder / FILE_NAME}: expected a record, received: {error}"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the record into a run's folder."""
        draft = folder / f"{FILE_NAME}.new"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        draft.replace(folder / FILE_NAME)  # whole or not at all, whenever it is stopped
