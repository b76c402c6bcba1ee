"""The pixels of a job's photographs, which count against the quota of who submits it."""

import asyncio
import threading
import time
from collections.abc import Callable

from service.api.archive.respond import Archive
from service.api.body import Body, decompress
from service.api.codecs.codec import Codec
from service.api.pipeline import InThread, Responder
from service.errors import DeadlineExceeded, Overloaded, ServiceError
from service.inference.admission import Admission
from service.inference.caller import Caller
from service.inference.ticket import Ticket

CodecOf = Callable[[Body], Codec | Responder]

AT_ONCE = 64
"""Bodies that are opened at once, however small."""


class PixelCounter:
    """Counts the pixels of the bodies of jobs, each of which is in memory as a whole for it.

    Callers share the room for them: nobody waits until those of another one are counted.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        """Count nothing yet.

        Args:
            limit: Most bytes of a body, as sent and decompressed.
            seconds: Most that a body may wait and take.
        """
        self._limit = limit
        self._seconds = seconds
        # A caller alone may fill it; beside it there is room for a largest body of another.
        self._room = Admission(max_items=AT_ONCE, max_bytes=2 * limit)

    async def pixels(
        self,
        stored: Callable[[], bytes],
        size: int,
        caller: Caller,
        coding: str,
        codec_of: CodecOf,
        most: int,
    ) -> int:
        """Return the pixels of a body's photographs, 0 where the job will fail.

        Args:
            stored: Reads the body, in a thread.
            size: Bytes of the body.
            caller: Whose it is.
            coding: Its content coding, "" for none.
            codec_of: Returns its codec.
            most: After more pixels, the rest of several photographs is not looked at.

        Raises:
            JobsUnavailable: The store cannot be reached.
            DeadlineExceeded: It takes too long.
            Overloaded: There is no room for what a compressed body holds.
        """
        end = time.monotonic() + self._seconds
        with await self._admitted(size, caller) as ticket:
            body: Body = await asyncio.to_thread(stored)
            has_gone = threading.Event()
            try:
                if coding:
                    body = await decompress(body, coding, self._limit, ticket)
                return await asyncio.to_thread(
                    _pixels, codec_of, body, most, lambda: has_gone.is_set() or _is_past(end)
                )
            except (DeadlineExceeded, Overloaded):
                raise
            except ServiceError:
                return 0
            finally:
                has_gone.set()

    async def _admitted(self, size: int, caller: Caller) -> Ticket:
        """Return the ticket of a body, as soon as there is room for it."""
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    try:
                        return self._room.admit(size, caller)
                    except Overloaded:
                        await self._room.room.departure()
        except TimeoutError:
            raise DeadlineExceeded(
                f"timeout: expected room to open the body within {self._seconds:g} s, received none"
            ) from None


def _is_past(end: float) -> bool:
    return time.monotonic() > end


def _pixels(codec_of: CodecOf, body: Body, most: int, is_late: Callable[[], bool]) -> int:
    codec = codec_of(body)
    if isinstance(codec, InThread):
        codec = codec.codec_of(body)
    if isinstance(codec, Archive):
        return codec.pixels(most, is_late)
    assert not isinstance(codec, Responder)
    if codec.declared:
        return codec.declared(body).pixels
    return codec.runner.check(codec, codec.decode(body)).pixels
