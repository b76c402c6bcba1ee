"""Everything that can go wrong in a way the caller should know, each with its HTTP status and code.

Messages say what was expected, then what was received. They become answers in api/serving.py where
a model was asked for, and in api/problems.py elsewhere.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class ServiceError(Exception):
    """The root: status is an HTTP status, code a stable word for programs, title one for people."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    headers: Mapping[str, str] = MappingProxyType({})
    """What the answer says besides, by header."""


class ModelNotFound(ServiceError):
    """No model has this name, or none of its versions is this one."""

    status, code, title = 404, "model-not-found", "Model not found"


class ControlForbidden(ServiceError):
    """The service is set to load and unload no model for a client."""

    status, code, title = 403, "control-forbidden", "Control forbidden"


class CrossOriginForbidden(ServiceError):
    """A web page of another origin asks to change the service's state."""

    status, code, title = 403, "cross-origin-forbidden", "Cross-origin request forbidden"


class OperationNotOffered(ServiceError):
    """The model exists, and does not have this operation."""

    status, code, title = 409, "operation-not-offered", "Operation not offered"


class ShapeMismatch(ServiceError):
    """The array, or the picture, has not the shape that the model takes."""

    status, code, title = 422, "shape-mismatch", "Shape mismatch"


class InvalidValue(ServiceError):
    """A value, in the body or in the query, is not one that can be used."""

    status, code, title = 422, "invalid-value", "Invalid value"


class MalformedBody(ServiceError):
    """The body is not what its Content-Type says."""

    status, code, title = 400, "malformed-body", "Malformed body"


class BodyTooLarge(ServiceError):
    """The body, or the picture in it, is larger than the service takes."""

    status, code, title = 413, "body-too-large", "Body too large"


class UnsupportedMediaType(ServiceError):
    """The Content-Type is none that the operation reads."""

    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class NotAcceptable(ServiceError):
    """The Accept header names nothing that the operation writes."""

    status, code, title = 406, "not-acceptable", "Not acceptable"


class Overloaded(ServiceError):
    """As much is waiting as the service admits; retry_after: the seconds until there is room."""

    status, code, title = 429, "overloaded", "Overloaded"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_after)}


class DeadlineExceeded(ServiceError):
    """The request could not be answered in the time that the settings allow."""

    status, code, title = 503, "deadline-exceeded", "Deadline exceeded"


class NotLive(ServiceError):
    """A batch has run for longer than any request may take."""

    status, code, title = 503, "not-live", "Not live"


class NotReady(ServiceError):
    """The service was told to stop."""

    status, code, title = 503, "not-ready", "Not ready"


class ShuttingDown(ServiceError):
    """The service stops, and the request was not answered in the time that it had left."""

    status, code, title = 503, "shutting-down", "Shutting down"


class StartupError(ServiceError):
    """The service cannot start as it is set up: a broken model, a device that is not there."""

    code, title = "startup-error", "Cannot start"


class OutputError(ServiceError):
    """A command cannot write its output."""

    code, title = "output-error", "Cannot write"
