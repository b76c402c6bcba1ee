"""The request of a job, as its operation's endpoint receives it."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Message

from service.access.identity import IDENTITY, INFER, Identity
from service.api.request import ABORT, GONE
from service.jobs.record import Job


class StoredRequest:
    """The ASGI side of a stored request.

    Attributes:
        scope: The scope.
    """

    CANCELLED = "the job was cancelled"
    REQUEUED = "the job was requeued, as the service stops"

    def __init__(
        self, job: Job, body: bytes, gone: asyncio.Event, abort: Callable[[], None]
    ) -> None:
        """Restore a request.

        Args:
            job: What is stored of it.
            body: Its body.
            gone: Set when the endpoint is to see that its client is gone.
            abort: Called when the endpoint gives up in the middle of its response.
        """
        self._gone = gone
        self._body: bytes | None = body
        path = f"/{job.operation}"
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in job.headers]
        headers.append((b"content-length", b"%d" % len(body)))
        headers.append((b"x-request-id", job.request_id.encode("latin-1")))
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": job.query.encode("latin-1"),
            "headers": headers,
            "extensions": {ABORT: abort},
            "state": {},
        }
        if job.owner:  # whose request it is in logs, metrics and traces
            self.scope["state"][IDENTITY] = Identity(job.owner, "", frozenset({INFER}))

    def stop(self, *, is_requeued: bool) -> None:
        """Let the log say why the endpoint is about to see that its client is gone."""
        self.scope["state"][GONE] = self.REQUEUED if is_requeued else self.CANCELLED

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}
