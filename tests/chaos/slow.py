"""Slow loris: thousands of connections that send a byte now and then, or read none."""

import asyncio
import time
from typing import cast

import numpy as np

from tests.chaos.exchange import Address
from tests.chaos.fault import Fault, Stage
from tests.chaos.mix import NPY, PNG, crop
from tests.chaos.questions import as_npy, as_picture, post
from tests.chaos.service import descriptors, eventually, resident

CONNECTIONS = 2000
"""Of all kinds together."""
EVERY = 1.0
"""Seconds between two bytes of one."""
SPARE = 20
"""Descriptors that a worker may have opened meanwhile for others."""
WAYS = ("head", "body", "nothing")
DEAF, DEAF_EACH = "reads nothing", 40
"""A way that takes much of the system's memory, and each how manieth connection goes it. A client
that does not read does not see that it is dropped: the service's descriptors tell."""

PICTURE = post("/denoise?sigma=20", as_picture(crop(0, (200, 150))), PNG)
ARRAYS = post("/denoise", as_npy(np.zeros((2500, 28, 28), np.float32)), NPY)
"""What a client asks whose response, of 8 MB, it does not read."""


class Slow:
    """A slow connection: what it sends, and how long it is borne."""

    def __init__(self, address: Address, way: str) -> None:
        self._address = address
        self.way = way
        self.seconds: float | None = None
        """After which the service closed it; None as long as it is open, or refused."""
        self.opened = False

    async def run(self) -> None:
        """Connect and be slow until the service closes the connection."""
        try:
            reader, writer = await asyncio.open_connection(self._address.host, self._address.port)
        except OSError:
            return
        self.opened = True
        began = time.monotonic()
        try:
            await self._send(reader, writer)
            self.seconds = time.monotonic() - began
        except (OSError, EOFError):
            self.seconds = time.monotonic() - began
        finally:
            writer.transport.abort()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.way == DEAF:
            cast(asyncio.Transport, writer.transport).pause_reading()
            writer.write(ARRAYS)
        elif self.way == "body":
            writer.write(PICTURE[:-2000])
        elif self.way == "head":
            writer.write(b"POST /denoise HTTP/1.1\r\nHost: chaos\r\nX-Slow: ")
        ended = asyncio.ensure_future(reader.read())
        try:
            while not ended.done():
                if self.way in ("head", "body"):
                    writer.write(b"x")
                await asyncio.wait((ended,), timeout=EVERY)
                if writer.transport.is_closing():
                    return
            await ended
        finally:
            ended.cancel()


async def inflict(stage: Stage) -> None:
    """Open slow connections beside the load; close what is left of them; see that all is free."""
    service = stage.service
    wanted = max(40, min(CONNECTIONS, round(CONNECTIONS * stage.seconds / FAULT.seconds)))
    before = {pid: (descriptors(pid), resident(pid)) for pid in service.workers()}
    slow = [
        Slow(service.address, WAYS[number % len(WAYS)] if number % DEAF_EACH else DEAF)
        for number in range(wanted)
    ]
    tasks = []
    for each in slow:
        tasks.append(asyncio.create_task(each.run()))
        if not len(tasks) % 50:
            await asyncio.sleep(0.05)
    answered = stage.load.tally.right
    await asyncio.sleep(stage.seconds)
    answered = stage.load.tally.right - answered
    assert answered, "expected the load to be answered beside slow clients"
    grown = max(resident(pid) - before[pid][1] for pid in before)
    opened = sum(descriptors(pid) - before[pid][0] for pid in before)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    stage.over()
    stage.notes.append(
        f"{sum(each.opened for each in slow)} of {wanted} slow connections were accepted; a worker "
        f"grew by {grown / 1e6:.0f} MB; {answered} right answers beside them; "
        f"after {stage.seconds:.0f} s the service had {opened} descriptors more"
    )
    for way in WAYS:
        of_way = [each for each in slow if each.way == way]
        ended = [each.seconds for each in of_way if each.seconds is not None]
        told = f"after {min(ended):.0f} to {max(ended):.0f} s" if ended else "none"
        stage.notes.append(f"{way}: {len(ended)} of {len(of_way)} closed by the service, {told}")
    await eventually(
        lambda: all(descriptors(pid) <= before[pid][0] + SPARE for pid in before),
        "as many descriptors as before",
    )


FAULT = Fault("slow", inflict, seconds=60.0)
