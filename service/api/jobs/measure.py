"""The pixels of a job's photographs, which count against the quota of who submits it."""

import asyncio
from collections.abc import Callable

from service.api.archive.respond import Archive
from service.api.body import Body, decompress
from service.api.codecs.codec import Codec
from service.api.pipeline import InThread, Responder
from service.errors import ServiceError
from service.inference.admission import Admission

CodecOf = Callable[[Body], Codec | Responder]


class Measure:
    """Measures the bodies of jobs, one after another: each is in memory as a whole for it."""

    def __init__(self, limit: int) -> None:
        """Measure bodies of so many bytes at most, as sent and decompressed."""
        self._limit = limit
        self._lock = asyncio.Lock()

    async def pixels(self, stored: Callable[[], bytes], coding: str, codec_of: CodecOf) -> int:
        """Return the pixels of a body's photographs, 0 where the job will fail.

        Args:
            stored: Reads the body, in a thread.
            coding: Its content coding, "" for none.
            codec_of: Returns its codec.

        Raises:
            JobsUnavailable: The store cannot be reached.
        """
        async with self._lock:
            body: Body = await asyncio.to_thread(stored)
            try:
                if coding:
                    room = Admission(max_items=1, max_bytes=self._limit)
                    with room.admit(len(body)) as ticket:
                        body = await decompress(body, coding, self._limit, ticket)
                return await asyncio.to_thread(_pixels, codec_of, body)
            except ServiceError:
                return 0


def _pixels(codec_of: CodecOf, body: Body) -> int:
    codec = codec_of(body)
    if isinstance(codec, InThread):
        codec = codec.codec_of(body)
    if isinstance(codec, Archive):
        return codec.pixels()
    assert not isinstance(codec, Responder)
    if codec.declared:
        return codec.declared(body).pixels
    return codec.runner.check(codec, codec.decode(body)).pixels
