"""How far a job is: what its tickets of admission count."""

import time
from contextvars import ContextVar

from service.inference.admission import Admission
from service.inference.room import Room
from service.inference.shares import Share
from service.inference.ticket import Ticket

AGAIN_SECONDS = 2


class Progress:
    """The pixels of one attempt to run a job.

    Attributes:
        done: Pixels that are done.
        known: Pixels that are known of.
    """

    def __init__(self) -> None:
        self.done = self.known = 0
        self._requests, self._expected = 0, 1  # requests for room, and how many there will be
        self._seconds = 0.0
        self._since = self._advanced = time.perf_counter()

    @property
    def total(self) -> int:
        """Pixels in all, 0 as long as they are not known."""
        return self.known if self._requests >= self._expected else 0

    @property
    def share(self) -> float:
        """The share that is done, where photographs that are not known are like those that are."""
        if not self.known:
            return 0.0
        return self.done * min(1.0, self._requests / self._expected) / self.known

    def expect(self, photographs: int) -> None:
        """Learn how many photographs there are, each of which will grow()."""
        self._expected = photographs

    def grow(self, pixels: int, seconds: float) -> None:
        """Count pixels to do, which are expected to take so many seconds."""
        if not self.known:
            self._since = time.perf_counter()
        self._requests += 1
        self.known += pixels
        self._seconds += seconds

    def advance(self, pixels: int) -> None:
        """Count pixels as done."""
        self.done = min(self.known, self.done + pixels)
        self._advanced = time.perf_counter()

    def left(self) -> float | None:
        """Return the seconds that the rest takes: at the rate so far, or as the queue expects."""
        if not self.known:
            return None
        now = time.perf_counter()
        if share := self.share:
            expected = (self._advanced - self._since) * (1 - share) / share
            return max(0.0, expected - (now - self._advanced))
        expected = self._seconds * self._expected / self._requests
        return max(0.0, expected - (now - self._since))


PROGRESS: ContextVar[Progress | None] = ContextVar("progress", default=None)
"""That of the job for which the present task runs."""


class JobAdmission(Admission):
    """The admission of jobs, apart from that of requests but for the room for photographs.

    Neither waits for items or bytes of the other: the jobs that run at a time are few.
    """

    def __init__(self, requests: Admission) -> None:
        """Create an empty admission, with the limits of that of requests."""
        super().__init__(
            max_items=requests.max_items,
            max_bytes=requests.max_bytes,
            max_pixels=requests.max_pixels,
            room=requests.room,
        )
        self._requests = requests

    def lets_others_first(self) -> bool:
        """Return whether requests run first.

        They do not where a photograph of a job has so much room that others find none: the sooner
        it is denoised, the sooner they do.
        """
        shares = self.photographs.of.values()
        has_much = self.large(sum(share.held for share in shares))
        return not (has_much and self._requests.photographs.are_wanted())

    def wait(self, *, room: Room | None = None) -> int:  # noqa: ARG002
        """Return the seconds after which a job that found no room asks again."""
        return AGAIN_SECONDS

    def ticket(self, size: int, share: Share) -> Ticket:
        return _JobTicket(self, size, share)


class _JobTicket(Ticket):
    __slots__ = ()

    def grow(self, *, items: int = 0, size: int = 0, pixels: int = 0, seconds: float = 0.0) -> None:
        super().grow(items=items, size=size, pixels=pixels, seconds=seconds)
        progress = PROGRESS.get()
        if progress and pixels:
            progress.grow(pixels, seconds)

    def expect(self, photographs: int) -> None:
        if progress := PROGRESS.get():
            progress.expect(photographs)

    def done(self, pixels: int) -> None:
        super().done(pixels)
        if progress := PROGRESS.get():
            progress.advance(pixels)
