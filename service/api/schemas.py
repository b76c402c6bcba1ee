"""Schemas of bodies in the OpenAPI document; the operations decode theirs without: see codecs/."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.manifest import Manifest, OperationName


class Inputs(BaseModel):
    """A batch of inputs as nested lists, the batch first."""

    model_config = ConfigDict(extra="forbid")

    inputs: Annotated[
        list[float | list[Any]],
        Field(
            min_length=1,
            description="(batch, 28, 28) or (batch, height, width, 3) in [0, 1], or codings",
        ),
    ]


class RowInputs(BaseModel):
    """Rows with named columns, for models of tables and series."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[
        list[dict[str, float | str | None]],
        Field(
            min_length=1,
            description="the columns that the manifest names: numbers, or values of a category",
        ),
    ]


class Outputs(BaseModel):
    """A batch of outputs as nested lists, and the model that returned them."""

    model: str
    version: int
    outputs: list[Any]


class Noise(BaseModel):
    """The noise of a photograph; levels are standard deviations on the scale of 0 to 255."""

    sigma: Annotated[float, Field(description="noise level, as /denoise takes it")]
    colour: Annotated[
        float,
        Field(description="0: the same in all channels, as film grain; 1: independent in each"),
    ]
    correlation: Annotated[
        float, Field(description="of neighbouring pixels: 0 for white noise, 0.5 for a blurred one")
    ]
    shadows: Annotated[float, Field(description="level in the darkest third of the tones")]
    midtones: Annotated[float, Field(description="level in the middle third")]
    highlights: Annotated[float, Field(description="level in the brightest third")]


class Estimates(BaseModel):
    """The noise of each photograph, and the model that estimated it."""

    model: str
    version: int
    noise: list[Noise]


class Scores(BaseModel):
    """The score of each item, and what it means where the model is calibrated, else null."""

    model: str
    version: int
    scores: Annotated[
        list[float | None],
        Field(description="mean squared errors of the reconstructions; null where all is missing"),
    ]
    percentiles: Annotated[
        list[float | None] | None,
        Field(description="the share of the calibration's items with a lower score, 0 to 100"),
    ]
    z_scores: Annotated[
        list[float | None] | None,
        Field(description="standard deviations above the mean score of the calibration's items"),
    ]
    false_alarm_rate: Annotated[
        float | None, Field(description="the share of these items above the threshold")
    ]
    threshold: Annotated[float | None, Field(description="the score above which an item is one")]
    is_anomaly: Annotated[
        list[bool | None] | None,
        Field(description="above the threshold; null where all is missing"),
    ]
    columns: Annotated[
        list[str], Field(description="those of maps of rows, if `map` asks for them")
    ] = []
    starts: Annotated[
        list[int], Field(description="the row at which each window of a series starts")
    ] = []
    row_scores: Annotated[
        list[float | None],
        Field(
            description="the score of each row of a series, the mean over the windows that cover "
            "it; null where none does"
        ),
    ] = []
    rows_left_over: Annotated[
        int, Field(description="rows at the end of a series that are in no window")
    ] = 0
    maps: Annotated[
        list[Any],
        Field(description="squared errors of pixels, or of columns of rows, if `map` asks for it"),
    ] = []


class Neighbours(BaseModel):
    """The nearest items of the index to each item, the nearest first."""

    model: str
    version: int
    ids: Annotated[list[list[str]], Field(description="of the neighbours of each item")]
    labels: Annotated[
        list[list[str | None]], Field(description="their classes; null where the index has none")
    ]
    distances: Annotated[
        list[list[float]],
        Field(description="how far their codings are, by the metric of the manifest's index"),
    ]
    starts: Annotated[
        list[int], Field(description="the row at which each window of a series starts")
    ] = []
    rows_left_over: Annotated[
        int, Field(description="rows at the end of a series that are in no window")
    ] = 0


class Problem(BaseModel):
    """An error, as RFC 9457 has it, with a stable code for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class ServedModel(BaseModel):
    """A version of a model, served or not."""

    name: str
    version: int
    state: Annotated[
        Literal["ready", "failed", "unloaded"],
        Field(description="ready: it is served; failed: nothing could be loaded"),
    ]
    fault: Annotated[
        str,
        Field(description="why the present content of its folder could not be loaded, or empty"),
    ]
    operations: Annotated[list[OperationName], Field(description="operations that are served")]
    execution_provider: str | None
    default_for: Annotated[
        list[OperationName], Field(description="operations on arrays that name no model")
    ]
    default_for_pictures: Annotated[
        list[OperationName], Field(description="operations on pictures that name no model")
    ]
    size: Annotated[int, Field(description="bytes of the files in its folder")]
    manifest: Manifest | None


class ServedModels(BaseModel):
    """Versions of models, by name, the newest first."""

    models: list[ServedModel]


class Health(BaseModel):
    """The state of the service."""

    status: Literal["live", "ready"]
