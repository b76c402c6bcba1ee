"""What the score of an item is compared with."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.strict import Strict


class Calibration(Strict):
    """The scores of items that are as they should be, which others are compared with.

    A score is the mean squared error of a reconstruction, each column's error divided by its scale.
    """

    data: str
    """The items."""
    items: Annotated[int, Field(ge=2)]
    """How many."""
    mean: Annotated[float, Field(ge=0)]
    deviation: Annotated[float, Field(gt=0)]
    """The standard deviation of the scores."""
    shares: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=2)]
    """Shares of the items, from 0 to 1, rising."""
    scores: tuple[Annotated[float, Field(ge=0)], ...]
    """The score that each share of the items does not exceed."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.shares) != len(self.scores):
            raise ValueError(
                f"scores: expected {len(self.shares)}, one for each share, "
                f"received {len(self.scores)}"
            )
        if (self.shares[0], self.shares[-1]) != (0, 1):
            received = f"{self.shares[0]} to {self.shares[-1]}"
            raise ValueError(f"shares: expected them from 0 to 1, received {received}")
        for name, values in (("shares", self.shares), ("scores", self.scores)):
            if list(values) != sorted(values):
                raise ValueError(f"{name}: expected rising numbers")
        return self
