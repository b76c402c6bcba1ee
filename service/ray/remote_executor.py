"""Runs an operation in the replicas of a model, in the place of a session in this process."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from service.inference.caller import CALLER, Caller
from service.inference.pixels import Floats
from service.inference.queue import BACKGROUND, Result
from service.inference.session import Sigma, Signature
from service.manifest import Operation, OperationName
from service.ray.calls import call
from service.ray.messages import OperationStatus, RunRequest, RunResponse


class RemoteExecutor:
    """Sends requests to the deployment of a model, whose replicas batch those of all.

    Attributes:
        session: What the operation takes and gives.
    """

    def __init__(
        self,
        name: OperationName,
        operation: Operation,
        status: OperationStatus,
        run: Any,
        service_replicas: Callable[[], int],
        trace: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Create an executor.

        Args:
            name: The operation.
            operation: What the manifest says of it.
            status: What a replica says of it.
            run: Ray's handle of the method of the deployment that runs it, for one version.
            service_replicas: Returns how many replicas of the service share those of the model.
            trace: Returns the headers of the trace of what is submitted now.
        """
        self.session = Signature(operation, status.provider)
        self._name = name
        self._run = run
        self._service_replicas = service_replicas
        self._trace = trace
        self._item_seconds, self._replicas = status.item_seconds, status.replicas
        self._submitted: dict[asyncio.Task[Result], float] = {}
        self._steps = operation.steps.default if operation.steps else 1

    def submit(
        self,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
        profile: Floats | None = None,
        caller: Caller | None = None,
    ) -> asyncio.Future[Result]:
        """Send a request, as Batcher.submit() does; cancel the future to drop it there.

        Returns:
            A future. Besides what Batcher.submit() says, it fails with ReplicaLost where replicas
            end while they have it.
        """
        lets_others_first = BACKGROUND.get()
        background = lets_others_first is not None and lets_others_first()
        whose, trace = caller or CALLER.get(), self._trace()
        request = RunRequest(self._name, array, steps, sigma, profile, whose, background, trace)
        now = time.perf_counter()
        task = asyncio.get_running_loop().create_task(self._send(request, now))
        self._submitted[task] = now
        task.add_done_callback(self._submitted.pop)
        return task

    def waiting(self) -> list[float]:
        """Return when each request was submitted that is not answered."""
        return list(self._submitted.values())

    def busy_for(self) -> float:
        """Return 0: a batch that hangs is known to its replica, which Ray then replaces."""
        return 0.0

    def seconds(self, size: int, steps: int | None = None) -> float:
        """Return the seconds that a request takes of this replica's part of those of the model."""
        share = self._replicas / self._service_replicas()
        return size * (steps or self._steps) * self._item_seconds / share

    async def _send(self, request: RunRequest, submitted: float) -> Result:
        response: RunResponse = await call(self._run, request)
        self._item_seconds, self._replicas = response.item_seconds, response.replicas
        elapsed = time.perf_counter() - submitted
        return Result(response.output, max(0.0, elapsed - response.inference), response.inference)
