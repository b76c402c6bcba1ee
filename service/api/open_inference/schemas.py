"""Schemas of the protocol in the OpenAPI document; inference requests are decoded without them."""

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, Field

Name = Annotated[
    str,
    Path(description="<name>.<operation>", examples=["denoising-dropout.denoise"]),
]
Version = Annotated[str, Path(description="one of its versions", examples=["1"])]
Datatype = Literal["FP32", "UINT8", "INT64"]
Parameters = dict[str, Any]


class InputTensor(BaseModel):
    """An input: its numbers, nested or in a row, or bytes after the JSON."""

    name: str
    shape: list[Annotated[int, Field(ge=1)]]
    datatype: Annotated[Datatype, Field(description="UINT8 for pixels, INT64 for steps")]
    data: list[Any] | None = None
    parameters: Annotated[
        Parameters | None, Field(description="binary_data_size: bytes of it after the JSON")
    ] = None


class RequestedOutput(BaseModel):
    """How to return the output."""

    name: str
    parameters: Annotated[
        Parameters | None, Field(description="binary_data: as bytes after the JSON")
    ] = None


class InferenceRequest(BaseModel):
    """The inputs of a model, and how to return its output."""

    id: str | None = None
    inputs: list[InputTensor]
    outputs: list[RequestedOutput] | None = None
    parameters: Annotated[
        Parameters | None,
        Field(
            description="binary_data_output: every output as bytes; for a model of photographs "
            "also strength, luma, chroma, effort and region, as /denoise has them"
        ),
    ] = None


class OutputTensor(BaseModel):
    """The output, its numbers in a row, or as bytes after the JSON."""

    name: str
    datatype: Literal["FP32"]
    shape: list[int]
    data: list[float] | None = None
    parameters: Parameters | None = None


class InferenceResponse(BaseModel):
    """The model that ran, and its output."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class ServerMetadata(BaseModel):
    """The service, and the extensions of the protocol that it supports."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """Whether the service is live."""

    live: bool


class ServerReady(BaseModel):
    """Whether the service is ready."""

    ready: bool


class TensorMetadata(BaseModel):
    """An input or an output; -1 is a size that is free."""

    name: str
    datatype: Datatype
    shape: list[int]


class ModelMetadata(BaseModel):
    """Inputs and outputs of a model, and its versions that are ready."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReady(BaseModel):
    """Whether a model is ready."""

    name: str
    ready: bool


class IndexEntry(BaseModel):
    """The state of a version of a model."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


class IndexRequest(BaseModel):
    """Which models to list: all, or those that are ready."""

    ready: bool | None = None


class Error(BaseModel):
    """An error: what was expected, what was received."""

    error: str


def errors(texts: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return the responses of errors for OpenAPI, by status and description."""
    return {status: {"description": text, "model": Error} for status, text in texts.items()}
