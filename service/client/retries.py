"""When a request is sent again, and after how long."""

import email.utils
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from service.client import responses
from service.client.errors import ServiceError, Unreachable
from service.client.flow import Flow, Pause, Request, Send

TRANSIENT = (429, 502, 503, 504)
"""Statuses of what may be served later: by the service, or by a proxy before it."""
NOTHING_DONE = ("overloaded", "too-many-connections", "deadline-exceeded")
"""Problems of the service that say that it has stored nothing of a request.

Others, and a proxy's 502, 503 or 504, leave that open."""
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors before anything of the request was sent."""
HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects)
"""Errors that are the same at each attempt."""
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""What OpenSSL says where a server answers in something else than TLS."""
FIRST, MOST = 0.5, 30.0
"""Seconds of the first pause and of the longest, before they are drawn."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How long and how often a call tries.

    Attributes:
        timeout: Seconds that a call may take, with all its attempts and pauses.
        most: Attempts after the first that may fail without the service saying when to come back.
            A 429 or 503 with Retry-After does not count: only the timeout ends these.
        late: Makes what is raised in place of the last error once the time is over, which then is
            waited for; None for the last error, as soon as there is no time for another attempt.
    """

    timeout: float
    most: int
    late: Callable[[], Exception] | None = None

    def send(self, request: Request) -> Flow[httpx.Response]:
        """Send a request until it is answered.

        Raises:
            ServiceError: The last attempt's, once no other would be made within the timeout.
        """
        deadline = time.monotonic() + self.timeout
        failures = 0
        while True:
            wait: float | None = None
            cause: httpx.RequestError | None = None
            error: ServiceError
            try:
                response: httpx.Response = yield Send(
                    request, max(0.001, deadline - time.monotonic())
                )
            except httpx.RequestError as caught:
                cause = caught
                error = unreachable(request, caught)
                again = not is_hopeless(caught)
                again &= request.is_idempotent or isinstance(caught, UNSENT)
            else:
                if response.is_success:
                    return response
                error = responses.error(response)
                again = response.status_code in TRANSIENT
                again &= request.is_idempotent or _has_done_nothing(error)
                wait = retry_after(response.headers.get("retry-after"))
            if wait is None:
                failures += 1
                again &= failures <= self.most
                pause = backoff(failures - 1)
            else:
                pause = spread(wait)
            left = deadline - time.monotonic()
            if not again or (pause >= left and self.late is None):
                raise error from cause
            yield Pause(max(0.0, min(pause, left)))
            if pause >= left and self.late:
                raise self.late() from error


def _has_done_nothing(error: ServiceError) -> bool:
    """Return whether a request that was refused can be sent again without being done twice."""
    return error.status == 429 or error.code in NOTHING_DONE


def unreachable(request: Request, error: httpx.RequestError) -> Unreachable:
    """Return the error of a request without a response."""
    return Unreachable(f"{request.method} {request.path}: {described(error)}")


def is_hopeless(error: httpx.RequestError) -> bool:
    """Return whether an error is the same at each attempt, as of a certificate of another host."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        if isinstance(cause, ssl.SSLError) and cause.reason in NO_TLS:
            return True
        cause = cause.__cause__ or cause.__context__
    return isinstance(error, HOPELESS)


def described(error: httpx.RequestError) -> str:
    """Return an error in words: many of httpx's have none."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def backoff(attempt: int) -> float:
    """Return the seconds before an attempt, exponential with full jitter.

    Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        attempt: Number of the pause, from 0.
    """
    return random.uniform(0, min(MOST, FIRST * 2 ** min(attempt, 16)))


def spread(wait: float) -> float:
    """Return the seconds to wait where a service says how long, and a random share more.

    What it says is the same for all that it refuses: together again, most would be refused again.

    Args:
        wait: What it says, in seconds.
    """
    return wait + random.uniform(0, max(FIRST, wait / 4))


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header names (RFC 9110, section 10.2.3).

    Args:
        header: Seconds or an HTTP date; None where there is none.
        now: The time that a date is compared with, by default the present.

    Returns:
        At least 0; None where the header is missing or neither of the two.
    """
    text = (header or "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - (now or datetime.now(UTC))).total_seconds())
