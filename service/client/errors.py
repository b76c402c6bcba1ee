"""What goes wrong with a call, as exceptions by problem code.

ServiceError
├── Unreachable               no response, or not all of one
├── UnexpectedResponse        not the service's: a proxy's page, another server
├── RequestError              the request cannot be served as it is
│   ├── MalformedBody         400 malformed-body
│   ├── Unauthenticated       401 unauthenticated
│   ├── Forbidden             403 forbidden, control-forbidden, cross-origin-forbidden,
│   │                             callback-forbidden, listing-forbidden
│   ├── NotFound              404 not-found, 405 method-not-allowed
│   │   ├── ModelNotFound     404 model-not-found
│   │   └── JobNotFound       404 job-not-found
│   ├── NotAcceptable         406 not-acceptable
│   ├── OperationNotOffered   409 operation-not-offered
│   ├── JobNotFinished        409 job-not-finished
│   ├── JobCancelled          409 job-cancelled
│   ├── JobsOff               501 jobs-off
│   ├── BodyTooLarge          413 body-too-large
│   ├── UnsupportedMediaType  415 unsupported-media-type
│   ├── ShapeMismatch         422 shape-mismatch
│   └── InvalidValue          422 invalid-value
├── Unavailable               the same request may be served later
│   ├── Overloaded            429 overloaded
│   ├── QuotaExceeded         429 quota-exceeded
│   ├── RequestTimeout        408 request-timeout
│   ├── TooManyConnections    503 too-many-connections
│   ├── InsufficientMemory    503 insufficient-memory
│   ├── DeadlineExceeded      503 deadline-exceeded
│   ├── ShuttingDown          503 shutting-down
│   ├── ReplicaLost           503 replica-lost
│   ├── NotReady              503 not-ready, not-live
│   ├── JobsUnavailable       503 jobs-unavailable
│   └── InsufficientStorage   507 insufficient-storage
└── InternalError             500 internal-error
    └── JobLost               500 job-lost
"""

from collections.abc import Mapping
from types import MappingProxyType


class ServiceError(Exception):
    """The base class.

    Attributes:
        status: The HTTP status, 0 where there was no response.
        code: The problem's stable identifier, "" where there is none.
        title: A short summary.
        detail: What was expected, and what was received.
        request_id: X-Request-Id of the response, under which the service's log has the request.
    """

    def __init__(
        self, detail: str, *, status: int = 0, code: str = "", title: str = "", request_id: str = ""
    ) -> None:
        super().__init__(f"{title}: {detail}" if title else detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.title = title
        self.request_id = request_id


class Unreachable(ServiceError):
    """No response came, or not all of one; the cause is httpx's error."""


class UnexpectedResponse(ServiceError):
    """The response is not the service's, such as a proxy's page."""


class RequestError(ServiceError):
    """The request cannot be served as it is."""


class MalformedBody(RequestError):
    """The body is damaged, truncated or not what its type says."""


class Unauthenticated(RequestError):
    """The service knows no such API key, or needs one."""


class Forbidden(RequestError):
    """The service does not do this for this client."""


class NotFound(RequestError):
    """The service has no such path."""


class ModelNotFound(NotFound):
    """There is no model of this name, or no such version of it."""


class JobNotFound(NotFound):
    """There is no such job, or its result has expired."""


class JobCancelled(RequestError):
    """The job was cancelled and has no result."""


class JobsOff(RequestError):
    """The service keeps no jobs."""


class NotAcceptable(RequestError):
    """The response cannot be written in this format."""


class OperationNotOffered(RequestError):
    """The model exists, but has no such operation."""


class JobNotFinished(RequestError):
    """The job has no result yet."""


class BodyTooLarge(RequestError):
    """The body, the picture in it, or the output exceeds a limit."""


class UnsupportedMediaType(RequestError):
    """The service does not read this format."""


class ShapeMismatch(RequestError):
    """The model takes no array, or picture, of this shape."""


class InvalidValue(RequestError):
    """A value or a parameter is outside of its range, or unknown."""


class Unavailable(ServiceError):
    """The same request may be served later."""


class Overloaded(Unavailable):
    """The queue is full."""


class QuotaExceeded(Unavailable):
    """The API key, or the address, has no more of its quota left in this minute."""


class RequestTimeout(Unavailable):
    """The service did not receive the request in time, or fast enough."""


class TooManyConnections(Unavailable):
    """The service has as many connections at work as it takes."""


class InsufficientMemory(Unavailable):
    """The service has no memory for the request at present."""


class DeadlineExceeded(Unavailable):
    """The service did not finish within its own time limit."""


class ShuttingDown(Unavailable):
    """The service stopped before it answered."""


class ReplicaLost(Unavailable):
    """The replica that had the request ended before it answered."""


class NotReady(Unavailable):
    """The service takes no new requests."""


class JobsUnavailable(Unavailable):
    """What stores the jobs cannot be reached."""


class InsufficientStorage(Unavailable):
    """There is no room for the job or its result."""


class InternalError(ServiceError):
    """The service failed; its log has the request under `request_id`."""


class JobLost(InternalError):
    """Every attempt to run the job ended with its process, or its body is gone."""


BY_CODE: Mapping[str, type[ServiceError]] = MappingProxyType(
    {
        "malformed-body": MalformedBody,
        "unauthenticated": Unauthenticated,
        "forbidden": Forbidden,
        "control-forbidden": Forbidden,
        "cross-origin-forbidden": Forbidden,
        "not-found": NotFound,
        "method-not-allowed": NotFound,
        "model-not-found": ModelNotFound,
        "callback-forbidden": Forbidden,
        "listing-forbidden": Forbidden,
        "job-not-found": JobNotFound,
        "job-cancelled": JobCancelled,
        "job-lost": JobLost,
        "jobs-off": JobsOff,
        "jobs-unavailable": JobsUnavailable,
        "insufficient-storage": InsufficientStorage,
        "not-acceptable": NotAcceptable,
        "operation-not-offered": OperationNotOffered,
        "job-not-finished": JobNotFinished,
        "body-too-large": BodyTooLarge,
        "unsupported-media-type": UnsupportedMediaType,
        "shape-mismatch": ShapeMismatch,
        "invalid-value": InvalidValue,
        "overloaded": Overloaded,
        "quota-exceeded": QuotaExceeded,
        "request-timeout": RequestTimeout,
        "too-many-connections": TooManyConnections,
        "insufficient-memory": InsufficientMemory,
        "deadline-exceeded": DeadlineExceeded,
        "shutting-down": ShuttingDown,
        "replica-lost": ReplicaLost,
        "not-ready": NotReady,
        "not-live": NotReady,
        "internal-error": InternalError,
    }
)
"""The exception of each problem code."""


def of_code(code: str, status: int) -> type[ServiceError]:
    """Return the exception of a problem; that of its status where a newer service has new codes."""
    if code in BY_CODE:
        return BY_CODE[code]
    if status in (429, 503):
        return Unavailable
    return RequestError if status < 500 else InternalError
