"""Requests of replicas of the service to replicas of a model, and their responses."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.inference.caller import Caller
from service.inference.pixels import Floats
from service.inference.session import Sigma
from service.manifest import OperationName


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request to run an operation, as Batcher.submit() takes it.

    Attributes:
        operation: The operation.
        array: Inputs that the operation's signature accepts, batch dimension first.
        steps: Length of the sequence to return, None for the model's default.
        sigma: Noise level, 0 to 100 on the scale of 0 to 255, one or (batch,); None if unknown.
        profile: What else is known of the noise, (5,) or (batch, 5); None if unknown.
        caller: Whose it is.
        background: Whether others run first.
        trace: The headers of the trace that goes on there, none where nothing is traced.
    """

    operation: OperationName
    array: Floats
    steps: int | None
    sigma: Sigma | None
    profile: Floats | None
    caller: Caller
    background: bool
    trace: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunResponse:
    """The response to a RunRequest.

    Attributes:
        output: The output, batch dimension first.
        inference: Seconds that its batch ran.
        item_seconds: Seconds that the session takes for a number of the inputs, and for each step
            of a sequence.
        replicas: How many replicas of the model there are.
    """

    output: Floats
    inference: float
    item_seconds: float
    replicas: int


@dataclass(frozen=True, slots=True)
class OperationStatus:
    """What a replica says of an operation that it has loaded.

    Attributes:
        provider: The execution provider, by ONNX Runtime's name.
        item_seconds: As in RunResponse.
        replicas: As in RunResponse.
    """

    provider: str
    item_seconds: float
    replicas: int
