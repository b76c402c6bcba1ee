"""The scaling of rows, learned on the training part, and what a manifest says of their columns."""

from collections.abc import Sequence

import numpy as np

from service.rows import Column, Rows, Window
from training.datasets.columns import Field
from training.datasets.items import Items
from training.datasets.variation import notes_on_variation
from training.scaling import Scaling


def learn(train: Items, fields: Sequence[Field], *, masks: bool) -> tuple[Scaling, tuple[str, ...]]:
    """Return the scaling of rows, and notes on columns that are constant or vary too little.

    Args:
        train: The rows to train on, each (features,).
        fields: Their columns.
        masks: Whether numbers may be missing.

    Raises:
        ValueError: A column has no number in the training part, or none varies there.
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    with np.errstate(invalid="ignore"):  # 0 of 0 numbers, which is refused below
        for batch in train.batches():
            scaler.partial_fit(batch.astype(np.float64))
    owners = [field for field in fields for _ in field.categories or ("",)]
    numbers = np.array([field.is_number for field in owners])
    for field, mean in zip(owners, scaler.mean_, strict=True):
        if np.isnan(mean):
            raise ValueError(
                f"column {field.name}: expected numbers, received none to train on; columns can "
                "leave it out"
            )
    notes = tuple(notes_on_variation(owners, scaler))
    scaling = Scaling(
        np.where(numbers, scaler.mean_, 0).astype(np.float32),
        np.where(numbers, scaler.scale_, 1).astype(np.float32),
        masks,
    )
    return scaling, notes


def rows_of(fields: Sequence[Field], scaling: Scaling, window: Window | None) -> Rows:
    """Return what a manifest says of rows with these columns."""
    described, index = [], 0
    for field in fields:
        scale = float(scaling.scale[index]) if field.is_number else 1.0
        described.append(Column(name=field.name, categories=field.categories, scale=scale))
        index += len(field.categories) or 1
    return Rows(columns=tuple(described), missing=scaling.missing, window=window)
