"""The codec of /score: inputs are reconstructed, and the response says how well that went."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from service.api.codecs import json_pieces, npy
from service.api.codecs.batch import SHORT_OUTPUT, BatchCodec
from service.api.codecs.codec import Array, Encoded, Inputs
from service.api.media_types import JSON, NPY, responses
from service.api.request import Header
from service.errors import NotAcceptable
from service.images.heat import heat
from service.inference import scores
from service.inference.anomalies import Threshold, ranks, threshold_of
from service.inference.executor import Executor
from service.inference.scores import Numbers

MOST = 64
"""Scores in a header, which a body of other numbers or pixels has no room for."""


@dataclass(eq=False)
class ScoreCodec(BatchCodec):
    """The codec of a request for scores: their reconstructions run in batches like any other."""

    _array: Array | None = field(default=None, init=False)
    _above: Threshold | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Find the threshold. Raises InvalidValue for a rate that the model cannot tell."""
        calibration = self.model.manifest.calibration
        self._above = threshold_of(self.model.name, calibration, self.choice.false_alarm_rate)

    @property
    def batcher(self) -> Executor:
        return self.model.batchers["reconstruct"]

    def inputs_of(self, array: Array, *, copied: int = 0, known_finite: bool = True) -> Inputs:
        self._array = array
        return super().inputs_of(array, copied=copied, known_finite=known_finite)

    def negotiate(self, count: int) -> None:
        has_picture = self.choice.map and self.model.manifest.pixels is not None
        best = NPY if self.media.name == NPY else JSON
        kind = "score" if has_picture else "encode"  # numbers alone
        try:
            self.answer = responses(kind, best, single=count == 1)[self.accept]
        except NotAcceptable as error:
            if has_picture:
                raise
            hint = "heat maps of images are pictures, with ?map=true"
            raise NotAcceptable(f"{error}; {hint}") from error

    def encodes_now(self, outputs: Array) -> bool:
        return self.answer in (JSON, NPY) and outputs.size <= SHORT_OUTPUT[JSON]

    def encode(self, outputs: Array) -> Encoded:
        inputs, rows = self._array, self.model.manifest.rows
        assert inputs is not None
        found = scores.scores(inputs, outputs, rows)
        parts = scores.maps(inputs, outputs, rows) if self.choice.map else None
        if self.answer == JSON:
            document = self._document(found) | self._of_rows(inputs, outputs)
            return Encoded(JSON, (_text(document, parts),), self.left_over())
        headers = [*self._headers(found), *self.left_over()]
        if self.answer == NPY:
            shown = scores.as_floats(found) if parts is None else parts
            return Encoded(NPY, npy.write(shown), headers)
        assert parts is not None
        picture = self.encode_picture(heat(np.sqrt(parts[0])))
        return Encoded(self.answer, (picture,), headers)

    def _document(self, found: Numbers) -> dict[str, Any]:
        calibration, above = self.model.manifest.calibration, self._above
        said = ranks(found, calibration, above) if calibration and above else None
        return {
            "model": self.model.name,
            "version": self.model.version,
            "scores": scores.as_floats(found),
            "percentiles": said and said.percentiles.astype(np.float32),
            "z_scores": said and scores.as_floats(said.z_scores),
            "false_alarm_rate": above and above.rate,
            "threshold": above and above.score,
            "is_anomaly": said and said.is_anomaly,
        }

    def _of_rows(self, inputs: Array, outputs: Array) -> dict[str, Any]:
        """Return what is said of rows beside their scores."""
        rows, series = self.model.manifest.rows, self.series
        said: dict[str, Any] = {}
        if rows and self.choice.map:
            said["columns"] = [column.name for column in rows.columns]
        if series:
            of_rows = series.of_rows(scores.step_scores(inputs, outputs, rows))
            said["starts"] = series.starts
            said["row_scores"] = scores.as_floats(of_rows)
            said["rows_left_over"] = series.left_over
        return said

    def _headers(self, found: Numbers) -> list[Header]:
        headers: list[Header] = []
        if len(found) <= MOST:
            headers.append((b"x-score", ", ".join(map(str, scores.as_floats(found))).encode()))
        if self._above:
            headers.append((b"x-score-threshold", b"%.9g" % self._above.score))
        return headers


def _text(document: dict[str, Any], parts: Array | None) -> bytes:
    text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    if parts is None:
        return text
    return b"".join((text[:-1], b',"maps":', *json_pieces.texts(parts), b"}"))
