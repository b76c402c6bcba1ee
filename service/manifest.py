"""The manifest of a model: the contract between training and service.

A model is a folder models/<name>/<version>/ with manifest.json and the files that it names. An
unknown key, a missing one or a wrong type is an error; what has a default may be missing, as in
manifests that are older than it. What these docstrings say, OpenAPI shows.
"""

import errno
import hashlib
import json
import math
import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from service.calibration import Calibration
from service.index import Index
from service.rows import Rows
from service.strict import Strict

FILE_NAME = "manifest.json"
LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest; those that are shipped have some thousands."""
SCHEMA_VERSION = 4

PHOTO = "photo"
"""The model of photographs that comes with the service."""

Quantity = Literal[
    "mse", "psnr", "worst psnr", "ssim", "share", "rms", "mean shift", "largest shift", "sigma",
    "estimate", "spread", "accuracy",
]  # fmt: skip
Unit = Literal["", "dB", "levels"]
GraphName = Literal["encode", "decode", "denoise", "estimate"]
"""The operations that a graph does by itself."""
OperationName = Literal[GraphName, "reconstruct", "score", "neighbours"]
"""What requests ask for: those, what encode and decode do together, how well they do it, and what
has codings nearby."""
FreeDimension = Literal["batch", "steps", "height", "width"]
Fit = Literal["pad", "resize", "crop"]
Dimension = Annotated[int, Field(ge=1)] | FreeDimension
"""A size, or the name of a free one."""
PHOTOGRAPHS: tuple[Dimension, ...] = ("batch", "height", "width", 3)
"""The shape of photographs of any size, in colour."""
PROFILE = 5
"""Numbers that describe noise beside its level: the share of colour in it, how alike neighbouring
pixels are, and how strong it is in the shadows, the mid-tones and the highlights."""


class Tensor(Strict):
    """One input or output of a graph, by its ONNX name."""

    name: str
    dtype: Literal["float32", "int64"]
    shape: tuple[Dimension, ...]


class Operation(Strict):
    """One graph: its file and its tensors."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+\.onnx$")]
    """The file's name, beside the manifest."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The file's SHA-256."""
    input: Tensor
    output: Tensor
    steps: "StepsInput | None"
    """The input for the number of steps to return, if the graph has one."""
    sigma: "SigmaInput | None"
    """The input for the noise level, if the graph has one."""
    tiles: "Tiles | None"
    """How photographs of any size are cut, if the graph takes them in tiles."""
    profile: "ProfileInput | None"
    """The input for what is known of the noise beside its level, if the graph has one."""
    mosaic: "Mosaic | None"
    """What the graph sees of photographs of any size, if it estimates their noise."""

    @property
    def stride(self) -> int:
        """What the height and width of an input must be multiples of, in pixels."""
        described = self.tiles or self.mosaic
        return described.stride if described else 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tiles and not self.input.shape == self.output.shape == PHOTOGRAPHS:
            expected = ", ".join(map(str, PHOTOGRAPHS))
            raise ValueError(f"tiles: expected none but for input and output of shape ({expected})")
        if self.sigma and self.sigma.tensor.shape != ("batch",):
            raise ValueError(
                f"sigma: expected a tensor of shape (batch), received {self.sigma.tensor.shape}"
            )
        if self.profile and self.profile.tensor.shape != ("batch", PROFILE):
            raise ValueError(
                f"profile: expected a tensor of shape (batch, {PROFILE}), "
                f"received {self.profile.tensor.shape}"
            )
        if self.profile and not self.sigma:
            raise ValueError("profile: expected none where there is no sigma")
        shapes = self.input.shape, self.output.shape
        if self.mosaic and shapes != (PHOTOGRAPHS, ("batch", 1 + PROFILE)):
            raise ValueError(
                f"mosaic: expected none but for input of shape (batch, height, width, 3) and "
                f"output of shape (batch, {1 + PROFILE})"
            )
        return self


class StepsInput(Strict):
    """A scalar input: the length of the sequence to return."""

    tensor: Tensor
    default: Annotated[int, Field(ge=1)]
    """The length if a request names none."""


class SigmaInput(Strict):
    """An input (batch,): the standard deviation of each image's noise on the scale of 0 to 255."""

    tensor: Tensor
    unknown: float
    """The value for blind denoising."""
    highest: Annotated[float, Field(gt=0)]
    """The largest value."""


class ProfileInput(Strict):
    """An input (batch, 5): the profile of each image's noise."""

    tensor: Tensor
    unknown: float
    """Its first number where the profile is not known."""


class Mosaic(Strict):
    """Crops of a photograph, side by side in one image; a small photograph is shown as it is.

    The output is the noise level on the scale of 0 to 255, then the profile.
    """

    stride: Annotated[int, Field(ge=1)]
    """Pixels; the height and width of the image are multiples of it."""
    crop: Annotated[int, Field(ge=1)]
    """Height and width of a crop in pixels, a multiple of the stride."""
    across: Annotated[int, Field(ge=1)]
    """Crops along a side, at most."""


class Tiles(Strict):
    """How a photograph can be cut into tiles that are denoised as in the whole."""

    stride: Annotated[int, Field(ge=1)]
    """Pixels; a tile's height, width and start are multiples of it."""
    halo: Annotated[int, Field(ge=0)]
    """Pixels around a part that its result depends on, to within one 8-bit grey level."""


class Pixels(Strict):
    """How 8-bit pixels become the model's numbers."""

    mode: Literal["L", "RGB"]
    """Gray or colour, as Pillow names it."""
    scale: Annotated[float, Field(gt=0)]
    """The pixel value that becomes 1.0."""
    fit: Fit = "pad"
    """How a picture comes to the model's size with `fit=true`: scaled, with black around it where
    its aspect is another; scaled, whatever its aspect; or scaled, and cropped to the middle. As in
    training."""


class Measurement(Strict):
    """One measured figure."""

    quantity: Quantity
    """Of errors: their mean square, PSNR (the mean over the images, or that of the worst of them),
    SSIM, root mean square; of blocks of pixels, how far their means move in the mean and at most;
    of the noise level: the one given to the model, and the geometric mean and standard deviation of
    the estimated one over the true one; of classes, the share that a method tells right."""
    data: str
    """The images."""
    condition: str
    """What was done to the images: "clean", or the noise."""
    method: str
    """The method: "model", "corrupted input", or the name of another denoiser."""
    value: float
    unit: Unit
    """A level is one of 255; empty for quantities without a unit."""


class Provenance(Strict):
    """Where the weights come from."""

    dataset: str
    dataset_licence: str
    data: dict[str, Any] | None
    """The description of one's own data, as training reads it; none of the shipped data sets."""
    seed: int
    epochs: int
    """Epochs of all phases."""
    settings: str
    """The hyperparameters, in words."""
    command: str
    """The command that trains the model."""
    trained_at: datetime
    versions: dict[str, str]
    """Versions of the packages, by name."""


class Manifest(Strict):
    """What the service needs to serve a model, and what a user needs to judge it."""

    schema_version: Literal[4]
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: Annotated[int, Field(ge=1)]
    summary: str
    pixels: Pixels | None
    """How pixels become numbers; none of models of rows."""
    rows: Rows | None
    """What rows the model takes; none of models of images."""
    operations: dict[GraphName, Operation]
    provenance: Provenance
    measurements: tuple[Measurement, ...]
    calibration: Calibration | None
    """What scores mean; none of models without reconstructions, or whose scores are all alike."""
    index: Annotated[Index | None, Field(exclude_if=lambda index: index is None)] = None
    """Where neighbours are looked for; left out of models without an index."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.operations:
            names = ", ".join(get_args(GraphName))
            raise ValueError(f"operations: expected at least one of {names}")
        if (self.pixels is None) == (self.rows is None):
            received = "neither" if self.pixels is None else "both"
            raise ValueError(f"pixels, rows: expected one of them, received {received}")
        if self.rows:
            self._check_rows(self.rows)
        if (
            self.pixels
            and self.pixels.mode != "RGB"
            and any(each.input.shape == PHOTOGRAPHS for each in self.operations.values())
        ):
            raise ValueError("pixels.mode: expected RGB with photographs of any size, received L")
        for name, operation in self.operations.items():
            if (name == "estimate") != (operation.mosaic is not None):
                expected = "a description" if name == "estimate" else "none"
                raise ValueError(f"operations.{name}.mosaic: expected {expected}")
        if self.index:
            self._check_index(self.index)
        return self

    def _check_index(self, index: Index) -> None:
        """Raise ValueError where the encoder gives other codings than an index has."""
        encode = self.operations.get("encode")
        if encode is None:
            raise ValueError("index: expected none of a model that does not encode")
        sizes = [size for size in encode.output.shape[1:] if isinstance(size, int)]
        if len(sizes) < len(encode.output.shape) - 1 or math.prod(sizes) != index.dimension:
            raise ValueError(
                f"index.dimension: expected the numbers of a coding "
                f"({', '.join(map(str, encode.output.shape))}), received {index.dimension}"
            )

    def _check_rows(self, rows: Rows) -> None:
        """Raise ValueError where a graph takes or gives something else than these rows."""
        steps: Dimension = rows.window.steps if rows.window else "steps"
        free: tuple[Dimension, ...] = ("batch", "steps", rows.features)
        expected = [free, ("batch", steps, rows.features)]
        if not rows.window:
            expected.append(("batch", rows.features))
        for name, operation in self.operations.items():
            shape = (operation.output if name == "decode" else operation.input).shape
            if shape not in expected:
                *_, last = expected
                raise ValueError(
                    f"operations.{name}: expected rows of shape ({', '.join(map(str, last))}), "
                    f"received ({', '.join(map(str, shape))})"
                )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of a model's folder.

        Raises:
            OSError: The file cannot be read.
            pydantic.ValidationError: The content is not as described here (a ValueError).
        """
        path = regular(folder, FILE_NAME)
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise OSError(errno.EFBIG, f"more than {LARGEST} bytes", str(path))
        return cls.model_validate_json(text, strict=True)

    def write(self, folder: Path) -> None:
        """Write the manifest into a model's folder, indented, at once."""
        text = json.dumps(self.model_dump(mode="json"), indent=2)
        draft = folder / f"{FILE_NAME}.new"
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(folder / FILE_NAME)


def regular(folder: Path, name: str) -> Path:
    """Return the path of a file of a model's folder.

    Links may lead from place to place within the folder, as those of mounted volumes do; a file
    elsewhere is none of the model's, and opening what is no file may wait for ever.

    Args:
        folder: <name>/<version>/.
        name: The file's name.

    Raises:
        OSError: There is no such file, it lies outside of the folder, or it is no regular file.
    """
    path = folder / name
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    if not path.resolve().is_relative_to(folder.resolve()):
        raise OSError(errno.EPERM, "a link to a file outside of the folder", str(path))
    return path


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
