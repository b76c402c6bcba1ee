"""The query of the three operations: which model, and what it is to do."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, ValidationError

from service.api.caching import remembered
from service.errors import InvalidValue
from service.pydantic_errors import explain


class Choice(BaseModel):
    """Which model: one of the settings where none is named, and the newest version."""

    model: Annotated[str | None, Field(min_length=1, description="name, as /models lists them")] = (
        None
    )
    version: Annotated[int | None, Field(ge=1, description="the newest where it is left out")] = (
        None
    )


class PictureChoice(Choice):
    """Which model, and what to do with pictures that are not as it takes them."""

    fit: Annotated[
        bool, Field(description="convert and resize pictures to what the model takes")
    ] = False


class DenoiseChoice(PictureChoice):
    """Which model, how much noise to remove from a photograph, and how to write it."""

    sigma: Annotated[
        float | None,
        Field(
            ge=0,
            le=100,
            allow_inf_nan=False,
            description="standard deviation of the noise of a photograph, on the scale of 0 to "
            "255; where it is left out, the model sees for itself",
        ),
    ] = None
    strength: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="how much of the noise to remove from a photograph; 1 where it is left out",
        ),
    ] = None
    quality: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="of a photograph as JPEG or WebP, 90 where it is left out; 100 is a WebP "
            "without loss",
        ),
    ] = None


class DecodeChoice(Choice):
    """Which model, and how long a sequence to give back."""

    steps: Annotated[
        int | None, Field(ge=1, description="rows to give back, for a recurrent model")
    ] = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A choice of any of the three operations, as plain values."""

    model: str | None = None
    version: int | None = None
    fit: bool = False
    steps: int | None = None
    sigma: float | None = None
    strength: float | None = None
    quality: int | None = None


@remembered(1024)
def parsed(query: bytes, kind: type[Choice]) -> Asked:
    """Return what the query of a request asks for. Raises InvalidValue."""
    sent = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    parameters = dict(sent)
    for name in parameters:
        values = [value for each, value in sent if each == name]
        if name not in kind.model_fields:
            raise InvalidValue(
                f"query: expected one of {', '.join(kind.model_fields)}, received {name[:40]!r}"
            )
        if len(values) > 1 or not values[0]:
            raise InvalidValue(f"{name}: expected one value, received {', '.join(values)[:80]!r}")
    try:
        return Asked(**kind.model_validate(parameters).model_dump())
    except ValidationError as error:
        raise InvalidValue(explain(error)) from error
