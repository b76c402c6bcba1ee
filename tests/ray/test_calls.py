"""Calls of replicas that end, by the errors that Ray raises for them; no cluster carries them."""

import asyncio
from typing import Any

import pytest

from service.errors import InvalidValue, ReplicaLost, ServiceError
from service.ray.calls import ATTEMPTS, call
from tests.ray.conftest import NEEDS_RAY

exceptions = pytest.importorskip("ray.exceptions", reason=NEEDS_RAY)

LOST = [
    exceptions.ActorDiedError(),
    exceptions.ActorUnavailableError("it restarts", None),
    exceptions.NodeDiedError("the node has died"),
    exceptions.WorkerCrashedError(),
    exceptions.ObjectLostError("00", None, ""),
    exceptions.ObjectFetchTimedOutError("00", None, ""),
    exceptions.OwnerDiedError("00", None, ""),
    exceptions.ObjectReconstructionFailedError("00", reason_message="its node has ended"),
]


def of_task(cause: Exception) -> Exception:
    """What Ray raises where a method in a replica has."""
    error: Exception = exceptions.RayTaskError("run", "", cause, "replica", 1, "127.0.0.1")
    return error


class Method:
    """Stands where Ray's handle of a method stands; raises, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls: list[tuple[object, ...]] = []

    def remote(self, *arguments: object) -> asyncio.Future[str]:
        self.calls.append(arguments)
        response: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if self.errors:
            response.set_exception(self.errors.pop(0))
        else:
            response.set_result("answered")
        return response


def named(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", [*LOST, of_task(LOST[4])], ids=named)
async def test_what_a_lost_replica_or_node_had_goes_to_another_one(error: Exception) -> None:
    method = Method(error)
    assert await call(method, 1, "two") == "answered"
    assert method.calls == [(1, "two")] * 2


@pytest.mark.parametrize("error", LOST, ids=named)
async def test_a_request_that_ends_each_replica_is_given_up(error: Exception) -> None:
    method = Method(*[error] * ATTEMPTS)
    with pytest.raises(ReplicaLost, match="received none of 3: each has ended") as raised:
        await call(method)
    assert raised.value.headers["Retry-After"] == "1"
    assert len(method.calls) == ATTEMPTS


@pytest.mark.parametrize("cause", [InvalidValue("not finite"), MemoryError("none left")], ids=named)
async def test_an_error_of_the_service_is_that_of_the_request(cause: Exception) -> None:
    method = Method(of_task(cause))
    with pytest.raises(type(cause)) as raised:
        await call(method)
    assert raised.value is cause
    assert len(method.calls) == 1


async def test_another_error_is_not_tried_again() -> None:
    method = Method(of_task(ValueError("a mistake")))
    with pytest.raises(exceptions.RayTaskError) as raised:
        await call(method)
    assert not isinstance(raised.value.cause, ServiceError)
    assert len(method.calls) == 1


async def test_a_call_that_is_dropped_is_cancelled_there() -> None:
    class Waiting(Method):
        def remote(self, *arguments: object) -> asyncio.Future[Any]:
            self.response: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            return self.response

    method = Waiting()
    task = asyncio.create_task(call(method))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert method.response.cancelled()
