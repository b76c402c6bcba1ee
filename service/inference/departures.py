"""Requests that wait for room are told when something leaves."""

import asyncio


class Departures:
    """Who waits for something to leave.

    Attributes:
        watchers: Set when something does.
    """

    def __init__(self) -> None:
        self.watchers: list[asyncio.Future[None]] = []

    async def next(self) -> None:
        """Wait until a request, or a part of one, leaves."""
        watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.watchers.append(watcher)
        await watcher

    def tell(self) -> None:
        """Tell all that wait."""
        watchers, self.watchers = self.watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)
