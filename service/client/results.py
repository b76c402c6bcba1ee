"""What calls return: pictures and arrays with what the service says of them, estimates, models."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from service.client.images import NPY, ZIP, Array

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "image/avif": (".avif",),
    "image/heic": (".heic", ".heif"),
    "image/tiff": (".tif", ".tiff"),
    NPY: (".npy",),
    ZIP: (".zip",),
}
"""Suffixes of media types, the usual one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the service says of every result.

    Attributes:
        model: Name of the model.
        version: Its version.
        provider: ONNX Runtime's name of the execution provider that ran it.
        timings: Milliseconds of the stages `parse`, `queue`, `inference` and `write`.
        request_id: Under which the service's log has the request.
    """

    model: str
    version: int
    provider: str
    timings: Mapping[str, float]
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Answer):
    """A picture, an array, or a zip of pictures.

    Attributes:
        content: The file, as the service sent it.
        media_type: Its media type.
        sigma: Noise level that was removed from each photograph, on the scale of 0 to 255; empty
            where the model has none.
        warning: What of the files could not be read, by X-Image-Warning; "" for whole files.
        is_single: Whether the array holds one image that was sent without a batch axis.
    """

    content: bytes
    media_type: str
    sigma: tuple[float, ...] = ()
    warning: str = ""
    is_single: bool = False

    @property
    def suffix(self) -> str:
        """The usual suffix of a file of this media type, ".bin" for an unknown one."""
        return SUFFIXES.get(self.media_type, (".bin",))[0]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file as the service sent it.

        Raises:
            ValueError: The suffix of the path is that of another format.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        usual = SUFFIXES.get(self.media_type)
        others = {each for known in SUFFIXES.values() if known != usual for each in known}
        if usual and suffix in others:
            raise ValueError(
                f"path: expected the suffix {' or '.join(usual)} of {self.media_type}, received "
                f"{target.name}; `format` chooses the format of an answer"
            )
        target.write_bytes(self.content)
        return target

    def array(self) -> Array:
        """Return the array, or the pixels of the picture, for which Pillow must be installed.

        Returns:
            The array that the service sent, without its batch axis where one image was sent
            without; of a picture (height, width) or (height, width, channels).

        Raises:
            ImportError: It is a picture, and Pillow is not installed.
            ValueError: It is a zip.
        """
        if self.media_type != NPY:
            return np.asarray(self.image())
        array: Array = np.load(io.BytesIO(self.content), allow_pickle=False)
        return array[0] if self.is_single else array

    def image(self) -> "Image":
        """Return the picture, or a single array of uint8 pixels, as a Pillow image.

        Raises:
            ImportError: Pillow is not installed.
            ValueError: It is an array of another kind, or a zip.
        """
        if self.media_type == ZIP:
            raise ValueError("image: expected one picture, received a zip; save it, or unpack it")
        try:
            from PIL import Image
        except ModuleNotFoundError as error:
            raise ImportError(
                f"image: expected Pillow to be installed for {self.media_type}, received none: "
                'pip install pillow, or ask for an array by format="npy"'
            ) from error
        if self.media_type != NPY:
            image = Image.open(io.BytesIO(self.content))
            image.load()
            return image
        array = self.array()
        if array.dtype != np.uint8 or array.ndim - (array.shape[-1] == 3) != 2:
            raise ValueError(
                f"image: expected the uint8 pixels of one image, received {array.dtype} "
                f"{array.shape}; `format` chooses the format of an answer"
            )
        return Image.fromarray(array)


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a photograph; levels are standard deviations on the scale of 0 to 255.

    Attributes:
        sigma: Noise level, as `denoise` takes it.
        colour: 0 where it is the same in all channels, as film grain; 1 where independent in each.
        correlation: Of neighbouring pixels: 0 for white noise.
        shadows: Level in the darkest third of the tones.
        midtones: Level in the middle third.
        highlights: Level in the brightest third.
    """

    sigma: float
    colour: float
    correlation: float
    shadows: float
    midtones: float
    highlights: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Answer):
    """The noise of each photograph.

    Attributes:
        noise: In the order sent.
    """

    noise: tuple[Noise, ...]

    @property
    def sigma(self) -> float:
        """Noise level of the first photograph."""
        return self.noise[0].sigma


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores(Answer):
    """How far items are from their reconstructions, and what that means.

    Attributes:
        scores: Mean squared errors, float64 (batch,); NaN of an item of which all is missing.
        percentiles: Share of the calibration's items with a lower score, 0 to 100, (batch,); None,
            as what follows, where the model is not calibrated.
        z_scores: Standard deviations above the mean of these items, (batch,).
        false_alarm_rate: The share of them above the threshold.
        threshold: The score above which an item is an anomaly.
        is_anomaly: Whether it is, (batch,); False where the score is NaN.
        maps: Squared errors of pixels or columns, (batch, ...); None unless asked for.
        columns: Names of the columns of maps.
        starts: The row at which each window of a series starts.
        row_scores: The score of each row of a series, (rows,); None of anything else.
        rows_left_over: Rows at the end of a series that are in no window.
    """

    scores: Array
    percentiles: Array | None
    z_scores: Array | None
    false_alarm_rate: float | None
    threshold: float | None
    is_anomaly: Array | None
    maps: Array | None = None
    columns: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()
    row_scores: Array | None = None
    rows_left_over: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours(Answer):
    """The nearest items of the model's index to each item, the nearest first.

    Attributes:
        ids: Of the neighbours of each item.
        labels: Their classes, None where the index has none.
        distances: How far their codings are, float64 (batch, k).
        starts: The row at which each window of a series starts.
        rows_left_over: Rows at the end of a series that are in no window.
    """

    ids: tuple[tuple[str, ...], ...]
    labels: tuple[tuple[str | None, ...], ...]
    distances: Array
    starts: tuple[int, ...] = ()
    rows_left_over: int = 0


Returned = Result | Estimate | Scores | Neighbours
"""What the operations of jobs return."""


@dataclass(frozen=True, slots=True)
class Model:
    """A version of a model.

    Attributes:
        name: Its name.
        version: Its version.
        state: "ready", "failed" or "unloaded".
        fault: Why its folder cannot be loaded, or "".
        operations: What it offers.
        provider: ONNX Runtime's name of the execution provider, None where it is not loaded.
        default_for: Operations on arrays that use it where a request names no model.
        default_for_pictures: The same of pictures.
        manifest: Its manifest, with shapes and measured metrics; None where it cannot be read.
    """

    name: str
    version: int
    state: str
    fault: str
    operations: tuple[str, ...]
    provider: str | None
    default_for: tuple[str, ...]
    default_for_pictures: tuple[str, ...]
    manifest: Mapping[str, Any] | None
