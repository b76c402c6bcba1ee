"""Calls of a model's replicas, repeated where the replica or its node ends."""

import asyncio
from typing import Any

from service.errors import ReplicaLost, ServiceError
from service.ray.retry_after import RETRY_AFTER

ATTEMPTS = 3
"""Replicas that a call is sent to, where those before have ended: a run changes nothing."""


async def call(method: Any, *arguments: object) -> Any:
    """Return what a replica answers; cancel to drop the call there.

    Args:
        method: Ray's handle of a method of a deployment, which may be called twice.
        arguments: Its arguments.

    Raises:
        ServiceError: As the method raises it; ReplicaLost where each replica has ended.
        MemoryError: The replica has no memory for it.
    """
    from ray.exceptions import (
        NodeDiedError,
        ObjectLostError,
        RayActorError,
        RayTaskError,
        WorkerCrashedError,
    )

    # A response of more than 100 kB stays on the node of the replica until it is read. It is lost
    # with the node after the replica has answered: no RayActorError then.
    lost = RayActorError, ObjectLostError, NodeDiedError, WorkerCrashedError
    for _ in range(ATTEMPTS):
        response = method.remote(*arguments)
        try:
            return await response
        except asyncio.CancelledError:
            response.cancel()
            raise
        except RayTaskError as error:
            if isinstance(error.cause, ServiceError | MemoryError):
                raise error.cause from None
            if not isinstance(error.cause, lost):
                raise
        except lost:
            continue
    raise ReplicaLost(
        f"expected a replica of the model to answer, received none of {ATTEMPTS}: each has ended",
        retry_after=RETRY_AFTER,
    )
