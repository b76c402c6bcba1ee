"""What a call may say beside its image: parameters of the query, the format of the answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from service.client.images import NPY, ZIP

Operation = Literal["denoise", "encode", "decode", "estimate", "reconstruct", "score", "neighbours"]

FORMATS = {"jpg": "image/jpeg", "tif": "image/tiff", "npy": NPY, "zip": ZIP}
"""Names of formats that are no subtypes of image/."""


class ModelOptions(TypedDict, total=False):
    """Which model.

    Attributes:
        model: Its name; by default that of the service for the operation.
        version: Its version; by default the newest.
    """

    model: str | None
    version: int | None


class EncodeOptions(ModelOptions, total=False):
    """Which model, and how to prepare images.

    Attributes:
        fit: Convert and resize pictures to what the model takes.
    """

    fit: bool | None


class DecodeOptions(ModelOptions, total=False):
    """Which model, how many rows, and how to write the images.

    Attributes:
        steps: Rows to return, by a recurrent model.
        format: Of the answer, as for `denoise`; by default npy.
    """

    steps: int | None
    format: str | None


class ReconstructOptions(EncodeOptions, total=False):
    """Which model, how to prepare images, and how to write them.

    Attributes:
        format: Of the answer, as for `denoise`; by default that of an array or a PNG.
    """

    format: str | None


class ScoreOptions(EncodeOptions, total=False):
    """Which model, how to prepare images, which scores are too high, and where they come from.

    Attributes:
        false_alarm_rate: Share of the calibration's items above the threshold; by default 0.01.
        map: Return maps of the errors, too.
    """

    false_alarm_rate: float | None
    map: bool | None


class NeighboursOptions(EncodeOptions, total=False):
    """Which model, how to prepare images, how many neighbours, and whose.

    Attributes:
        k: Neighbours of each item, 1 to 100; by default 10.
        of: "codings" for an array of codings, as `encode` returns it; by default "items".
    """

    k: int | None
    of: Literal["items", "codings"] | None


class DenoiseOptions(EncodeOptions, total=False):
    """Which model, how much noise to remove, and how to write the image.

    Attributes:
        sigma: Noise level, a standard deviation of 0 to 100 on the scale of 0 to 255; by default
            the model estimates it.
        strength: Share of the noise to remove, 0 to 1.
        luma: Share of that to remove from luma, 0 to 1.
        chroma: Share of that to remove from chroma, 0 to 1.
        effort: Orientations to average over: 1, 2, 4 or 8.
        region: (x, y, width, height) in pixels: the part to denoise and return.
        quality: Of a JPEG, WebP, AVIF or HEIC, 1 to 100; 100 writes lossless WebP.
        format: Of the answer: "png", "jpeg", "webp" and others that the service writes, "npy" for
            an array, "zip" for several photographs, or a media type; by default that of the image.
    """

    sigma: float | None
    strength: float | None
    luma: float | None
    chroma: float | None
    effort: int | None
    region: Sequence[int] | None
    quality: int | None
    format: str | None


class JobOptions(DenoiseOptions, DecodeOptions, ScoreOptions, NeighboursOptions, total=False):
    """The parameters of any operation, and of the job.

    Attributes:
        callback: A URL to which the service posts the job's document at the end.
    """

    callback: str | None


KINDS: Mapping[Operation, type[Any]] = {
    "denoise": DenoiseOptions,
    "encode": EncodeOptions,
    "decode": DecodeOptions,
    "estimate": ModelOptions,
    "reconstruct": ReconstructOptions,
    "score": ScoreOptions,
    "neighbours": NeighboursOptions,
}


def parameters(operation: Operation, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the query of an operation.

    Raises:
        TypeError: The operation has no such option.
    """
    known: frozenset[str] = KINDS[operation].__optional_keys__
    for name in options:
        if name not in known:
            raise TypeError(
                f"{operation}: expected one of {', '.join(sorted(known))}, received {name!r}"
            )
    return {
        name: _text(value)
        for name, value in options.items()
        if value is not None and name != "format"
    }


def accepted(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the Accept header of the format that was chosen; none where the service chooses."""
    chosen: str | None = options.get("format")
    if not chosen:
        return {}
    name = chosen.lower().removeprefix(".")
    return {"Accept": name if "/" in name else FORMATS.get(name, f"image/{name}")}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)
