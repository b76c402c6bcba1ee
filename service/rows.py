"""How rows with named columns, of a table or of a series, become what a model takes."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.strict import Strict


class Column(Strict):
    """A column of rows: a number, or a category."""

    name: Annotated[str, Field(min_length=1)]
    categories: tuple[str, ...]
    """The values of a category, each a feature of its own, 1 where a row has it; none of a
    number, which is one feature."""
    scale: Annotated[float, Field(gt=0)]
    """What errors are divided by before they are scored: the standard deviation of a number in the
    training data, 1 of a category."""

    @property
    def features(self) -> int:
        """How many features it is."""
        return len(self.categories) or 1


class Window(Strict):
    """How a series of rows is cut into the sequences that the model takes."""

    steps: Annotated[int, Field(ge=1)]
    """Rows of a window."""
    stride: Annotated[int, Field(ge=1)]
    """Rows from the start of a window to that of the next."""


class Rows(Strict):
    """How rows with named columns become the model's features; the graph scales them."""

    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    """The columns, in the order of their features."""
    missing: bool
    """Whether a value may be missing: NaN is then an input like others, and left out of scores."""
    window: Window | None
    """How a series is cut; none for models of tables, and of sequences of any length."""

    @property
    def features(self) -> int:
        """The numbers that a row becomes."""
        return sum(column.features for column in self.columns)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"columns: expected each name once, received {', '.join(names)}")
        return self
