"""Errors of the service, each with its HTTP status and code.

Messages read "expected ..., received ...". api/routing.py turns them into responses for requests
to a model, api/problems.py for all others.
"""

import errno
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

BEARER = 'Bearer realm="autoencoder-service"'
"""The challenge of a 401 and a 403 (RFC 6750, section 3)."""


def one_of(values: Iterable[object]) -> str:
    """Return what a message expects: the only value, "one of" several, or "none"."""
    *more, last = map(str, values) if (values := list(values)) else ["none"]
    return f"one of {', '.join([*more, last])}" if more else last


def first_of(names: Sequence[str]) -> str:
    """Return names in a message: all, or the first of many and how many there are."""
    listed = ", ".join(names[:MOST_NAMES])
    return listed if len(names) <= MOST_NAMES else f"{listed}, ... ({len(names):,} in all)"


MOST_NAMES = 30
"""Names of a message, which leave room for what was received instead."""
LONGEST = 4096
"""Characters of a message: what a client sends, and is told of, may be as long as a body."""


class ServiceError(Exception):
    """The base class.

    Attributes:
        status: The HTTP status.
        code: A stable identifier for programs.
        title: A short summary for people.
        headers: Further headers of the response.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    headers: Mapping[str, str] = MappingProxyType({})

    def __str__(self) -> str:
        text = super().__str__()
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


class Temporary(ServiceError):
    """The base class of what may pass: the response has Retry-After."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        """Create an error.

        Args:
            message: What was expected, and what was received.
            retry_after: Seconds after which the client should try again.
        """
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_after)}


def problem_document(status: int, code: str, title: str, detail: str) -> dict[str, Any]:
    """Return an error as RFC 9457 has it."""
    return {
        "type": f"urn:autoencoder-service:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }


class Unauthenticated(ServiceError):
    """The request has no API key that the service knows."""

    status, code, title = 401, "unauthenticated", "Unauthenticated"

    def __init__(self, message: str, *, fault: str = "") -> None:
        """Create an error.

        Args:
            message: What was expected, and what was received: nothing of the key.
            fault: The error code of RFC 6750, section 3.1; "" where no key was sent.
        """
        super().__init__(message)
        told = f', error="{fault}"' if fault else ""
        self.headers = {"WWW-Authenticate": f"{BEARER}{told}"}


class Forbidden(ServiceError):
    """The API key has not the scope that the request needs."""

    status, code, title = 403, "forbidden", "Forbidden"

    def __init__(self, message: str, *, scope: str) -> None:
        """Create an error.

        Args:
            message: What was expected, and what was received.
            scope: The scope that is needed.
        """
        super().__init__(message)
        self.headers = {
            "WWW-Authenticate": f'{BEARER}, error="insufficient_scope", scope="{scope}"'
        }


class ListingForbidden(ServiceError):
    """Without API keys nobody may list jobs: their ids are what lets a client see them."""

    status, code, title = 403, "listing-forbidden", "Listing forbidden"


class ModelNotFound(ServiceError):
    """There is no model of this name, or no such version of it."""

    status, code, title = 404, "model-not-found", "Model not found"


class ControlForbidden(ServiceError):
    """Repository control is off: clients may not load or unload models."""

    status, code, title = 403, "control-forbidden", "Control forbidden"


class CrossOriginForbidden(ServiceError):
    """A web page of another origin asks to change the service's state."""

    status, code, title = 403, "cross-origin-forbidden", "Cross-origin request forbidden"


class OperationNotOffered(ServiceError):
    """The model exists, but has no such operation."""

    status, code, title = 409, "operation-not-offered", "Operation not offered"


class ShapeMismatch(ServiceError):
    """The model takes no array, or picture, of this shape."""

    status, code, title = 422, "shape-mismatch", "Shape mismatch"


class InvalidValue(ServiceError):
    """A value in the body or the query is outside of its range."""

    status, code, title = 422, "invalid-value", "Invalid value"


class MalformedBody(ServiceError):
    """The body is not what its Content-Type says."""

    status, code, title = 400, "malformed-body", "Malformed body"


class BodyTooLarge(ServiceError):
    """The body, or the picture in it, exceeds a limit."""

    status, code, title = 413, "body-too-large", "Body too large"


class UnsupportedMediaType(ServiceError):
    """The operation does not read this Content-Type."""

    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class NotAcceptable(ServiceError):
    """The operation writes nothing that the Accept header admits."""

    status, code, title = 406, "not-acceptable", "Not acceptable"


class Overloaded(Temporary):
    """The queue is full."""

    status, code, title = 429, "overloaded", "Overloaded"


class QuotaExceeded(Temporary):
    """The caller has no more of its quota left in this minute."""

    status, code, title = 429, "quota-exceeded", "Quota exceeded"


class DeadlineExceeded(ServiceError):
    """The request did not finish within its time limit."""

    status, code, title = 503, "deadline-exceeded", "Deadline exceeded"


class RequestTimeout(ServiceError):
    """The client does not send its request in time."""

    status, code, title = 408, "request-timeout", "Request timeout"


class TooManyConnections(Temporary):
    """As many connections are at work as may be."""

    status, code, title = 503, "too-many-connections", "Too many connections"

    def __init__(self, most: int, *, retry_after: int) -> None:
        """Create an error.

        Args:
            most: How many there may be.
            retry_after: Seconds after which the client should try again.
        """
        super().__init__(
            f"connections: expected at most {most} (SERVICE_MAX_CONNECTIONS), received one more",
            retry_after=retry_after,
        )


NO_MEMORY = ("can't start new thread", "Error -4 while ", "Not enough memory ")
"""How messages begin that say so: Python's of threads, zlib's of Z_MEM_ERROR, orjson's."""


def is_shortage(error: BaseException | None) -> bool:
    """Return whether an exception says that there is no memory left."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or str(error).startswith(NO_MEMORY)


class InsufficientMemory(Temporary):
    """There is no memory for the request at present."""

    status, code, title = 503, "insufficient-memory", "Insufficient memory"

    def __init__(self, *, retry_after: int) -> None:
        """Create an error.

        Args:
            retry_after: Seconds after which the client should try again.
        """
        super().__init__(
            "memory: expected as much as the request takes, received less", retry_after=retry_after
        )


class ReplicaLost(Temporary):
    """The replica that had the request ended before it answered, or there is none."""

    status, code, title = 503, "replica-lost", "Replica lost"


class NotLive(ServiceError):
    """A batch hangs: it runs for longer than any request may take."""

    status, code, title = 503, "not-live", "Not live"


class NotReady(ServiceError):
    """The service is shutting down, and takes no new traffic."""

    status, code, title = 503, "not-ready", "Not ready"


class ShuttingDown(ServiceError):
    """The service stopped before the request was answered."""

    status, code, title = 503, "shutting-down", "Shutting down"


class JobNotFound(ServiceError):
    """There is no job of this id, or none any more."""

    status, code, title = 404, "job-not-found", "Job not found"


class JobNotFinished(ServiceError):
    """The job has no response yet."""

    status, code, title = 409, "job-not-finished", "Job not finished"

    def __init__(self, message: str, *, retry_after: int) -> None:
        """Create an error.

        Args:
            message: What was expected, and what was received.
            retry_after: Seconds after which the client should look again.
        """
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_after)}


class JobCancelled(ServiceError):
    """The job was cancelled, so there is no response."""

    status, code, title = 409, "job-cancelled", "Job cancelled"


class JobLost(ServiceError):
    """The process ended in each attempt to run the job, or its body is gone."""

    status, code, title = 500, "job-lost", "Job lost"


class JobsOff(ServiceError):
    """The settings name nothing that stores jobs."""

    status, code, title = 501, "jobs-off", "Jobs off"


class JobsUnavailable(ServiceError):
    """What stores jobs cannot be reached."""

    status, code, title = 503, "jobs-unavailable", "Jobs unavailable"


class InsufficientStorage(ServiceError):
    """There is no room to store a job or its response."""

    status, code, title = 507, "insufficient-storage", "Insufficient storage"


class CallbackForbidden(ServiceError):
    """The settings allow no callback to this host."""

    status, code, title = 403, "callback-forbidden", "Callback forbidden"


class StartupError(ServiceError):
    """The service cannot start with these settings: a broken model, a missing device."""

    code, title = "startup-error", "Cannot start"


class OutputError(ServiceError):
    """A command cannot write its output."""

    code, title = "output-error", "Cannot write"


class StoreError(ServiceError):
    """An object store cannot be reached, or refuses what a command asks of it."""

    code, title = "store-error", "Object store"


class ClusterError(ServiceError):
    """A cluster fails what a command asks of it, after it has started."""

    code, title = "cluster-error", "Cluster"
