"""What runs an operation of a model, wherever it does: in this process, or in others."""

import asyncio
from typing import Protocol

from service.inference.caller import Caller
from service.inference.pixels import Floats
from service.inference.queue import Result
from service.inference.session import Sigma, Signature


class Executor(Protocol):
    """Takes inputs that its signature accepts, and gives outputs; Batcher documents each method."""

    @property
    def session(self) -> Signature:
        """What the operation takes and gives."""

    def submit(
        self,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
        profile: Floats | None = None,
        caller: Caller | None = None,
    ) -> asyncio.Future[Result]:
        """Queue a request; cancel the future to drop it."""

    def waiting(self) -> list[float]:
        """Return the time.perf_counter() at which each waiting request was submitted."""

    def busy_for(self) -> float:
        """Return the seconds that the current batch has run, 0 if none runs in this process."""

    def seconds(self, size: int, steps: int | None = None) -> float:
        """Return the seconds that a request will take of the session."""
