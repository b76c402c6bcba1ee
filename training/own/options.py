"""What can be changed of a recipe on the command line."""

from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class Options:
    """Changes of an architecture and of how it is fitted; None leaves the recipe's value.

    Args:
        units: Widths of Dense layers from the item inwards, the last is the coding; of the outer
            LSTM layers of a recurrent model, one number.
        coding: Numbers of a coding; of a convolutional model, its channels.
        filters: Of a convolutional encoder's levels, outermost first.
        activation: Of hidden layers.
        epochs: The most epochs of every phase.
        batch_size: Items a batch.
        learning_rate: The highest one.
        patience: Epochs without a lower validation MSE before training stops.
        fine_tuning: Whether layer by layer training ends with the whole model.
    """

    units: tuple[int, ...] | None = None
    coding: int | None = None
    filters: tuple[int, ...] | None = None
    activation: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    patience: int | None = None
    fine_tuning: bool = True

    @classmethod
    def of(cls, parsed: Any) -> Self:
        """Return the options of a parsed command line."""
        return cls(**{field.name: getattr(parsed, field.name) for field in fields(cls)})

    def given(self) -> dict[str, Any]:
        """Return those that change something, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }

    def refuse(self, recipe: str, *names: str) -> None:
        """Raise ValueError where one of these is given, which a recipe has no use for."""
        for name in names:
            if name in self.given():
                flag = name.replace("_", "-")
                raise ValueError(f"--{flag}: expected no such option for {recipe}")
