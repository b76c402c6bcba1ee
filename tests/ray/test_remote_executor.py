"""A replica of a model and what asks it, in one process: no cluster carries the messages."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from service.inference.model import LoadedModel
from service.inference.session import Session
from service.manifest import OperationName
from service.ray.content import Content
from service.ray.messages import RunRequest, RunResponse
from service.ray.model_replica import ModelReplica, MultiplexedModel
from service.ray.remote_executor import RemoteExecutor
from service.settings import Settings
from tests.ray.conftest import NEEDS_RAY
from tests.service.gate import Gate

pytest.importorskip("ray", reason=NEEDS_RAY)


class Direct:
    """Stands where Ray's handle stands."""

    def __init__(self, replica: ModelReplica, model: LoadedModel) -> None:
        self._replica = replica
        self._model = model

    def remote(self, request: RunRequest) -> asyncio.Task[RunResponse]:
        return asyncio.create_task(self._replica.run(self._model, request))


class Asked:
    """A replica of a model, and what a replica of the service asks it by.

    Attributes:
        version: The model, as Ray keeps it there.
        model: The model, as it is loaded there.
        executor: Asks for an operation.
    """

    def __init__(
        self, replica: ModelReplica, version: MultiplexedModel, executor: RemoteExecutor
    ) -> None:
        self.replica, self.version, self.executor = replica, version, executor
        self.model = version.model


async def asked(
    folder: Path, operation: OperationName, trace: Callable[[], Any] = dict, **settings: Any
) -> Asked:
    """Start both; four replicas of the service share two of the model."""
    given: dict[str, Any] = {"device": "cpu", "load_seconds": 0, **settings}
    replica = ModelReplica(Settings(models=folder.parents[1], **given), folder)
    replica._scale = SimpleNamespace(replicas=2)  # type: ignore[assignment]
    version = await replica.load(str(Content.of(folder)))
    model = version.model
    status = (await replica.describe(model))[operation]
    stated = model.batchers[operation].session.operation
    run = Direct(replica, model)
    executor = RemoteExecutor(operation, stated, status, run, lambda: 4, trace)
    return Asked(replica, version, executor)


async def test_a_sequence_is_expected_to_take_as_long_as_its_session_says(
    tiny_models: Path,
) -> None:
    both = await asked(tiny_models / "rows" / "1", "decode")
    batcher, executor = both.model.batchers["decode"], both.executor
    assert batcher.seconds(10) > 0
    assert executor.seconds(10) == pytest.approx(2 * batcher.seconds(10))
    result = await executor.submit(np.zeros((1, 4), np.float32), 7)
    assert result.output.shape == (1, 7, 4)
    assert executor.seconds(10, 3) == pytest.approx(2 * batcher.seconds(10, 3))


async def test_a_client_that_leaves_takes_its_request_out_of_the_queue(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = await asked(tiny_models / "photo" / "1", "denoise")
    gate, run = Gate(), Session.run

    def run_gated(session: Session, array: Any, *given: Any, **named: Any) -> Any:
        gate.pass_through(len(array))
        return run(session, array, *given, **named)

    monkeypatch.setattr(Session, "run", run_gated)
    monkeypatch.setattr("service.inference.batcher.BRIEF", 0.0)  # each batch takes a thread
    gate.close()
    first = both.executor.submit(np.zeros((1, 16, 16, 3), np.float32))
    await gate.reached()
    left = both.executor.submit(np.zeros((2, 32, 32, 3), np.float32))
    for _ in range(9):  # turns of the event loop, in which it enters the queue
        await asyncio.sleep(0)
    assert len(both.model.batchers["denoise"].waiting()) == 1
    left.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await left
    gate.open()
    assert (await first).output.shape == (1, 16, 16, 3)
    last = await both.executor.submit(np.zeros((3, 16, 16, 3), np.float32))
    assert (gate.batches, last.output.shape) == ([1, 3], (3, 16, 16, 3))


async def test_a_trace_goes_on_in_the_replica_of_the_model(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra [otel]")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import SpanKind

    from service.telemetry.tracing import propagated

    memory = InMemorySpanExporter()
    monkeypatch.setattr(
        "service.telemetry.tracing.BatchSpanProcessor", lambda _: SimpleSpanProcessor(memory)
    )
    both = await asked(tiny_models / "half" / "2", "encode", propagated, traces=True)
    with TracerProvider().get_tracer("test").start_as_current_span("POST /encode") as request:
        await both.executor.submit(np.zeros((1, 4, 4), np.float32))
    (span,) = memory.get_finished_spans()
    assert span.parent is not None
    assert span.context is not None
    assert span.parent.span_id == request.get_span_context().span_id
    assert span.context.trace_id == request.get_span_context().trace_id
    assert (span.name, span.kind) == ("run encode", SpanKind.SERVER)
    assert dict(span.attributes or {}) == {
        "autoencoder.operation": "encode",
        "autoencoder.model": "half",
        "autoencoder.version": 2,
        "autoencoder.execution_provider": "CPUExecutionProvider",
    }
    await both.replica.close()
