"""The anomaly scores of a series whose rows come a few at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.errors import InvalidValue
from service.inference import scores
from service.inference.anomalies import ranks, threshold_of
from service.inference.features import features
from service.inference.model import Model
from service.inference.numeric_columns import Values
from service.inference.pixels import Floats
from service.inference.sliding_windows import Cut, SlidingWindows


class SeriesScorer:
    """Cuts a series into windows, and says what their reconstructions tell.

    Attributes:
        model: Scores it.
        rows: How rows become what the model takes.
        above: The threshold; None where the model is not calibrated.
        windows: What has come of the series.
    """

    def __init__(self, model: Model, rate: float | None) -> None:
        """Begin a series.

        Args:
            model: The model, of series that are cut into windows.
            rate: The share of false alarms, which chooses the threshold; None for the default.

        Raises:
            InvalidValue: The model is another, or cannot tell such a rate.
        """
        rows = model.manifest.rows
        if rows is None or rows.window is None:
            raise InvalidValue(
                f"model: expected one of series that are cut into windows, received {model.name}"
            )
        self.model = model
        self.rows = rows
        self.above = threshold_of(model.name, model.manifest.calibration, rate)
        self.windows = SlidingWindows(rows.window, rows.features)

    def rows_of(self, numbers: int) -> int:
        """Return how many rows end windows of so many numbers at most, or one window."""
        assert self.rows.window
        windows = numbers // (self.rows.window.steps * self.rows.features)
        return max(1, windows) * self.rows.window.stride

    def push(self, columns: Mapping[str, Values]) -> Cut:
        """Return the windows that end within further rows, given by their columns.

        Raises:
            InvalidValue: A value is none that the model takes.
        """
        return self.windows.push(features(columns, self.rows, first=self.windows.rows))

    def described(self, cut: Cut, outputs: Floats) -> Sequence[Mapping[str, Any]]:
        """Return the scores of windows by their reconstructions: start, score, and its meaning."""
        found = scores.scores(cut.array, outputs, self.rows)
        said: dict[str, Any] = {"start": cut.starts, "score": scores.as_floats(found)}
        calibration = self.model.manifest.calibration
        if calibration and self.above:
            known = ranks(found, calibration, self.above)
            said["percentile"] = known.percentiles.astype(np.float32)
            said["z_score"] = scores.as_floats(known.z_scores)
            said["is_anomaly"] = known.is_anomaly
        return [dict(zip(said, values, strict=True)) for values in zip(*said.values(), strict=True)]
