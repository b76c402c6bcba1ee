"""What a codec is: it decodes a request's body into inputs, and encodes outputs as a response.

An endpoint makes one for each request, so that a codec knows what the request asks for and may keep
what its response needs of the body: an id, a photograph's metadata.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from service.api.body import Body
from service.api.request import Exchange, Header, Part
from service.inference.executor import Executor
from service.inference.pixels import Floats
from service.inference.ticket import Ticket
from service.inference.tiling.controls import DEFAULTS, Controls

Array = NDArray[Any]
"""Numbers in the model's range, float32; or pixels, uint8 or uint16, for models of photographs."""


WARNING = b"x-image-warning"
"""The header that says what of an image file could not be read."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """A batch to run.

    Args:
        array: (batch, ...), as the operation takes it. Photographs are (batch, height, width, 3),
            or (1, height, width) for a gray one, as pixels or as numbers.
        steps: Length of the sequences to return; None for the operation's default.
        sigmas: Noise level of each photograph on the scale of 0 to 255, or None where it is
            unknown; None for all where none is known.
        controls: How much of the noise to remove from photographs.
        known_finite: Whether decoding has ruled out NaN and inf.
        copied: Bytes of memory that decoding took besides the body.
    """

    array: Array
    steps: int | None = None
    sigmas: Sequence[float] | Floats | None = None
    controls: Controls = DEFAULTS
    known_finite: bool = True
    copied: int = 0


@dataclass(frozen=True, slots=True)
class Declared:
    """What files claim to hold, read from their headers.

    Attributes:
        pictures: How many.
        pixels: Of all of them.
        seconds: How long they will keep the session busy.
    """

    pictures: int
    pixels: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Encoded:
    """A response's body, in parts that are sent one after another, and what describes it."""

    media_type: str
    parts: Sequence[Part]
    headers: Sequence[Header] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs that can run, and what they add to what is admitted.

    Attributes:
        inputs: The inputs.
        items: Images or codings; photographs of one request are one.
        size: Bytes of the outputs, and of inputs beside the body.
        seconds: How long these items or pixels will keep the session busy.
        pixels: Pixels of photographs.
    """

    inputs: Inputs
    items: int
    size: int
    seconds: float
    pixels: int = 0


class Timed(Protocol):
    """Outputs, and the seconds that their inputs waited for the session and ran in it."""

    @property
    def output(self) -> Array: ...

    @property
    def queue(self) -> float: ...

    @property
    def inference(self) -> float: ...


class Codec(Protocol):
    """The encoding of one request's body, and of the response to it."""

    @property
    def batcher(self) -> Executor:
        """The queue of the operation, and the session that runs it."""
        ...

    @property
    def runner(self) -> "Runner":
        """What runs the inputs."""
        ...

    @property
    def declared(self) -> Callable[[Body], Declared] | None:
        """What returns what photographs in files claim to hold, in a thread; none are decoded.

        They are admitted by it before they take any memory. None where the body is something else.
        """
        ...

    def decode_now(self, body: Body, /) -> Inputs | None:
        """Return what decode() does, or None where it takes more than 0.2 ms, or refuses the body.

        It runs on the event loop: short bodies are decoded sooner than a thread wakes up.
        """
        ...

    def decode(self, body: Body, /) -> Inputs:
        """Return the inputs in a body, in a thread; their shape is checked later."""
        ...

    def negotiate(self, count: int, /) -> None:
        """Choose the media type of the response to so many inputs. Raises NotAcceptable."""
        ...

    def has_floats(self) -> bool:
        """Return whether the response holds the pixels of photographs as float32."""
        ...

    def encodes_now(self, outputs: Array, /) -> bool:
        """Return whether encode() takes 0.2 ms at most, so that it runs on the event loop."""
        ...

    def encode(self, outputs: Array, /) -> Encoded:
        """Return outputs, as the operation gives them, as a response."""
        ...


class Runner(Protocol):
    """How models of one kind run: in batches with other requests, or a tile at a time."""

    def check(self, codec: Codec, inputs: Inputs, /) -> Checked:
        """Return inputs that can run, in a thread where they are large.

        Raises:
            ShapeMismatch: The model takes no inputs of this shape.
            InvalidValue: A value is out of range.
            BodyTooLarge: The inputs or the outputs are beyond the limits.
            NotAcceptable: The client accepts nothing that can hold the outputs.
        """
        ...

    def submit(
        self, exchange: Exchange, codec: Codec, inputs: Inputs, ticket: Ticket, /
    ) -> asyncio.Future[Any]:
        """Queue inputs that are checked.

        Args:
            exchange: The request, whose time limit starts anew with each part that is done.
            codec: Has the queue and the session that run them.
            inputs: What to run.
            ticket: Counts the parts that are done.

        Returns:
            A future of what is Timed; cancel it to drop the inputs.
        """
        ...

    def headers(self, result: Any, /) -> Sequence[Header]:
        """Return what headers of the response say of a result of submit()."""
        ...
