"""The contract between training and service: what a model's folder says of the model.

A model is a folder models/<name>/<version>/ that holds manifest.json and the ONNX files it names.
Everything here is strict: an unknown key, a missing one or a wrong type is an error.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FILE_NAME = "manifest.json"
SCHEMA_VERSION = 2

PHOTO = "photo"
"""The model of photographs that comes with the service."""

OperationName = Literal["encode", "decode", "denoise"]
FreeDimension = Literal["batch", "steps", "height", "width"]
Dimension = Annotated[int, Field(ge=1)] | FreeDimension
"""A size, or the name of a size that is free."""
PHOTOGRAPHS: tuple[Dimension, ...] = ("batch", "height", "width", 3)
"""The shape of what takes photographs of any size, in colour."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Tensor(_Strict):
    """One input or output of a graph, by its ONNX name."""

    name: str
    dtype: Literal["float32", "int64"]
    shape: tuple[Dimension, ...]


class Operation(_Strict):
    """One graph: its file beside the manifest, the file's digest, its tensors.

    steps: the input that says how many steps to give back and its default, where the graph has one;
    sigma: the input that says how noisy each image is, where it has one; tiles: how a photograph of
    any size is cut, where it takes them.
    """

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+\.onnx$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    input: Tensor
    output: Tensor
    steps: "StepsInput | None"
    sigma: "SigmaInput | None"
    tiles: "Tiles | None"

    @property
    def stride(self) -> int:
        """What the height and width of an input must be multiples of, in pixels."""
        return self.tiles.stride if self.tiles else 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tiles and not self.input.shape == self.output.shape == PHOTOGRAPHS:
            expected = ", ".join(map(str, PHOTOGRAPHS))
            raise ValueError(f"tiles: expected none but for input and output of shape ({expected})")
        if self.sigma and self.sigma.tensor.shape != ("batch",):
            raise ValueError(
                f"sigma: expected a tensor of shape (batch), received {self.sigma.tensor.shape}"
            )
        return self


class StepsInput(_Strict):
    """A scalar input: the length of the sequence to give back."""

    tensor: Tensor
    default: Annotated[int, Field(ge=1)]


class SigmaInput(_Strict):
    """An input (batch,): the standard deviation of each image's noise on the scale of 0 to 255.

    unknown: what the graph takes where nobody knows it; highest: the largest that may be told.
    """

    tensor: Tensor
    unknown: float
    highest: Annotated[float, Field(gt=0)]


class Tiles(_Strict):
    """What a tile of a photograph must be like, so that it is denoised as in the whole.

    stride: what its height and width, and where it starts, must be multiples of; halo: pixels
    beyond it that what is kept of it depends on, to within one 8-bit grey level.
    """

    stride: Annotated[int, Field(ge=1)]
    halo: Annotated[int, Field(ge=0)]


class Pixels(_Strict):
    """How 8-bit pixels become the model's numbers: a Pillow mode, the value that becomes 1.0."""

    mode: Literal["L", "RGB"]
    scale: Annotated[float, Field(gt=0)]


class Measurement(_Strict):
    """One measured figure.

    data: which images; condition: what was done to them ("clean", or the noise); method: "model",
    "corrupted input", or the name of the denoiser compared with; unit: "" where there is none.
    """

    quantity: Literal["mse", "psnr", "ssim", "share"]
    data: str
    condition: str
    method: str
    value: float
    unit: Literal["", "dB"]


class Provenance(_Strict):
    """Where the weights come from.

    epochs: those that were run, of all phases; settings: how they were run, in words; versions:
    of the packages used.
    """

    dataset: str
    dataset_licence: str
    seed: int
    epochs: int
    settings: str
    command: str
    trained_at: datetime
    versions: dict[str, str]


class Manifest(_Strict):
    """All that the service needs to serve a model, and all that a user needs to trust it."""

    schema_version: Literal[2]
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: Annotated[int, Field(ge=1)]
    summary: str
    pixels: Pixels
    operations: dict[OperationName, Operation]
    provenance: Provenance
    measurements: tuple[Measurement, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.operations:
            raise ValueError("operations: expected at least one of encode, decode, denoise")
        if self.pixels.mode != "RGB" and any(each.tiles for each in self.operations.values()):
            raise ValueError("pixels.mode: expected RGB with photographs of any size, received L")
        return self

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the manifest of a model's folder.

        Raises OSError where it cannot be read and pydantic.ValidationError, a ValueError, where it
        is not as described here.
        """
        return cls.model_validate_json((folder / FILE_NAME).read_bytes(), strict=True)

    def write(self, folder: Path) -> None:
        """Write the manifest into a model's folder, for people to read too."""
        text = json.dumps(self.model_dump(mode="json"), indent=2)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
