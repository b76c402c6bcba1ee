"""How one's own data become a model's numbers, as the record of a training keeps it."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from service.manifest import Pixels
from service.rows import Rows
from training.datasets.items import DataSet
from training.scaling import Scaling


@dataclass(frozen=True)
class Preprocessing:
    """What the graphs and the manifest of a model contain of it.

    Args:
        pixels: How pixels become numbers; None of rows.
        rows: What rows the model takes; None of images.
        scaling: What rows are scaled by; None of images.
    """

    pixels: Pixels | None
    rows: Rows | None
    scaling: Scaling | None

    @classmethod
    def of(cls, data: DataSet) -> Self:
        """Return that of a data set."""
        return cls(data.pixels, data.rows, data.scaling)

    def of_any_length(self) -> Self:
        """Return that of a model of sequences of any length."""
        return replace(self, rows=self.rows and self.rows.model_copy(update={"window": None}))

    def to_json(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        scaling = self.scaling
        return {
            "pixels": self.pixels and self.pixels.model_dump(mode="json"),
            "rows": self.rows and self.rows.model_dump(mode="json"),
            "scaling": scaling
            and {
                "mean": scaling.mean.tolist(),
                "scale": scaling.scale.tolist(),
                "missing": scaling.missing,
            },
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Return what to_json() gave. Raises ValueError where it is damaged."""
        scaling = kept["scaling"]
        return cls(
            kept["pixels"] and Pixels.model_validate(kept["pixels"]),
            kept["rows"] and Rows.model_validate(kept["rows"]),
            scaling
            and Scaling(
                np.array(scaling["mean"], np.float32),
                np.array(scaling["scale"], np.float32),
                scaling["missing"],
            ),
        )
