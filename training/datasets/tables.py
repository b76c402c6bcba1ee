"""Tables: each row is an item."""

import numpy as np

from training.datasets import columns
from training.datasets.description import Description
from training.datasets.duplicates import note_of_equal
from training.datasets.items import DataSet, digest, parts_of
from training.datasets.split import by_groups
from training.datasets.standardise import learn, rows_of


def load(description: Description) -> DataSet:
    """Return a table, split at random by the seed of its description.

    Raises:
        OSError: There is no such file.
        ValueError: The table cannot be used; the error names the row and the column.
    """
    table = columns.read(description)
    parts = by_groups(np.arange(len(table.features)), description.split).checked(description.path)
    items = parts_of(table.features, parts)
    scaling, constant = learn(items[0], table.fields, masks=description.missing == "mask")
    return DataSet(
        *items,
        labels=table.labels,
        pixels=None,
        rows=rows_of(table.fields, scaling, None),
        scaling=scaling,
        digest=digest(table.features),
        notes=(*table.notes, *constant, *note_of_equal(*items)),
    )
