"""The parameters of the operations, in a query or a form: which model, what to do with inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, ValidationError

from service.errors import InvalidValue
from service.inference.tiling.controls import DEFAULTS, EFFORTS, Controls, Region
from service.manifest import OperationName
from service.pydantic_errors import explain

MOST_PARAMETERS = 64
"""Parameters of a query that are looked at: each operation knows fewer, and each once. Those that a
head of 64 KiB can hold would block the event loop for 11 ms."""


Parameters = TypeVar("Parameters", bound=BaseModel)


class Query(BaseModel):
    """Which model: the default where none is named, and the newest version."""

    model: Annotated[str | None, Field(min_length=1, description="name, as /models lists them")] = (
        None
    )
    version: Annotated[int | None, Field(ge=1, description="the newest where it is left out")] = (
        None
    )


class EncodeQuery(Query):
    """Which model, and whether to fit pictures to what it takes."""

    fit: Annotated[
        bool, Field(description="convert and resize pictures to what the model takes")
    ] = False


class ControlsQuery(BaseModel):
    """How much noise to remove from a photograph, of which part, with how much effort."""

    strength: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="share of the noise to remove from a photograph; 1 where it is left out",
        ),
    ] = None
    luma: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="share of that to remove from its luma (ITU-R BT.601), which is all noise "
            "of a gray photograph: less keeps the grain; 1 where it is left out",
        ),
    ] = None
    chroma: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="the same of its chroma: less keeps the noise in colours",
        ),
    ] = None
    effort: Annotated[
        int | None,
        Field(
            json_schema_extra={"enum": list(EFFORTS)},
            description="orientations (flips and turns) of a photograph of which the mean is "
            "taken, which takes as many times as long; 1 where it is left out",
        ),
    ] = None
    region: Annotated[
        str | None,
        Field(
            # Not checked by it, as Region says more of a fault.
            json_schema_extra={"pattern": "^[0-9]{1,9}(,[0-9]{1,9}){3}$"},
            description="x,y,width,height: the part of the upright photograph, in pixels, to "
            "denoise and return, 0,0,640,480 for example; all of it where it is left out",
        ),
    ] = None

    def controls(self) -> Controls:
        """Return what was chosen, and what holds where nothing was."""
        chosen = {name: getattr(self, name) for name in ControlsQuery.model_fields}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        if self.region is not None:
            chosen["region"] = Region.parse(self.region)
        return Controls(**chosen) if chosen else DEFAULTS


class DenoiseQuery(ControlsQuery, EncodeQuery):
    """Which model, how much noise to remove from a photograph, and how to write it."""

    sigma: Annotated[
        float | None,
        Field(
            ge=0,
            le=100,
            allow_inf_nan=False,
            description="noise level of a photograph: the standard deviation of its noise, on the "
            "scale of 0 to 255; where it is left out, the model estimates it",
        ),
    ] = None
    quality: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="quality of a photograph as JPEG, WebP, AVIF or HEIC; where it is left "
            "out, 90, or lossless for a lossless WebP; 100 is a lossless WebP",
        ),
    ] = None


class DecodeQuery(Query):
    """Which model, and how long a sequence to return."""

    steps: Annotated[
        int | None, Field(ge=1, description="rows to return, by a recurrent model")
    ] = None


class EstimateQuery(Query):
    """Which model."""


class ReconstructQuery(EncodeQuery):
    """Which model, and whether to fit pictures to what it takes."""


class RateQuery(BaseModel):
    """Which scores are too high."""

    false_alarm_rate: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            allow_inf_nan=False,
            description="share of the items of the calibration that have a score above the "
            "threshold; 0.01 where it is left out, or the lowest that so few items tell",
        ),
    ] = None


class AnomalyQuery(RateQuery):
    """Which scores are too high, and whether to say where they come from."""

    map: Annotated[
        bool | None,
        Field(
            description="return the squared error of each pixel, or of each column of rows, too; "
            "a picture, where Accept prefers one, is a heat map"
        ),
    ] = None


class ScoreStreamQuery(RateQuery, Query):
    """Which model, and which scores are too high."""

    model: Annotated[str, Field(min_length=1, description="name of a model of series")]


class ScoreQuery(AnomalyQuery, EncodeQuery):
    """Which model, whether to fit pictures, and what to say of scores."""


class SearchQuery(BaseModel):
    """How many neighbours, and whose."""

    k: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="neighbours of each item, at most as many as the index has; 10 where it is "
            "left out",
        ),
    ] = None
    of: Annotated[
        Literal["items", "codings"] | None,
        Field(
            description="whether the body has items, as where it is left out, or their codings, as "
            "/encode gives them"
        ),
    ] = None


class NeighboursQuery(SearchQuery, EncodeQuery):
    """Which model, whether to fit pictures, how many neighbours, and whose."""


KINDS: Mapping[OperationName, type[Query]] = {
    "encode": EncodeQuery,
    "decode": DecodeQuery,
    "denoise": DenoiseQuery,
    "estimate": EstimateQuery,
    "reconstruct": ReconstructQuery,
    "score": ScoreQuery,
    "neighbours": NeighboursQuery,
}
"""The parameters of each operation."""


OF_PHOTOGRAPHS = ("sigma", *ControlsQuery.model_fields, "quality")
"""The parameters that only models of photographs take."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The parameters of any of the operations.

    Attributes:
        of_photographs: Names of those present that only models of photographs take.
    """

    model: str | None = None
    version: int | None = None
    fit: bool = False
    steps: int | None = None
    sigma: float | None = None
    quality: int | None = None
    false_alarm_rate: float | None = None
    map: bool | None = None
    k: int | None = None
    of: Literal["items", "codings"] | None = None
    controls: Controls = DEFAULTS
    of_photographs: tuple[str, ...] = ()


def parse(query: bytes, kind: type[Query], fields: Sequence[tuple[str, str]] = ()) -> Choice:
    """Return the parameters of an operation; arguments and errors as of checked()."""
    chosen = checked(query, kind, fields)
    controls = chosen.controls() if isinstance(chosen, DenoiseQuery) else DEFAULTS
    return Choice(
        **chosen.model_dump(exclude=set(ControlsQuery.model_fields)),
        controls=controls,
        of_photographs=tuple(name for name in OF_PHOTOGRAPHS if name in chosen.model_fields_set),
    )


def checked(
    query: bytes, kind: type[Parameters], fields: Sequence[tuple[str, str]] = ()
) -> Parameters:
    """Return the parameters of a request.

    Args:
        query: The query string.
        kind: The parameters that there are.
        fields: The same as (name, value) from a form; a parameter may be in one of the two.

    Raises:
        InvalidValue: A parameter is not as expected; the message names the first fault.
    """
    try:
        sent = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS
        )
    except ValueError as error:
        raise InvalidValue(
            f"query: expected at most {MOST_PARAMETERS} parameters, received more"
        ) from error
    if len(fields) > MOST_PARAMETERS:
        raise InvalidValue(f"form: expected at most {MOST_PARAMETERS} parameters, received more")
    in_query, in_form = ({name for name, _ in each} for each in (sent, fields))
    sent += fields
    parameters = dict(sent)
    for name in parameters:
        values = [value for each, value in sent if each == name]
        if name not in kind.model_fields:
            where = "query: expected" if name in in_query else "form: expected files, and"
            instead = "; Accept chooses the format of the answer" if name == "format" else ""
            raise InvalidValue(
                f"{where} one of {', '.join(kind.model_fields)}, received {name[:40]!r}{instead}"
            )
        if name in in_query and name in in_form:
            raise InvalidValue(
                f"{name}: expected it in the query or in the form, received it in both"
            )
        if not any(values):
            raise InvalidValue(f"{name}: expected a value, received {values[0]!r}")
        if len(values) > 1:
            raise InvalidValue(f"{name}: expected one value, received {', '.join(values)[:80]!r}")
    try:
        return kind.model_validate(parameters)
    except ValidationError as error:
        raise InvalidValue(explain(error)) from error
