"""A replica of a model and what asks it, in one process: no cluster carries the messages."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.inference.model import LoadedModel
from service.ray import model_replica
from service.ray.content import Content
from service.ray.messages import Answer, Question
from service.ray.model_replica import ModelReplica
from service.ray.remote_executor import RemoteExecutor
from service.settings import Settings
from tests.ray.conftest import NEEDS_RAY

pytest.importorskip("ray", reason=NEEDS_RAY)


class Direct:
    """Stands where Ray's handle stands."""

    def __init__(self, replica: ModelReplica, model: LoadedModel) -> None:
        self._replica = replica
        self._model = model

    def remote(self, question: Question) -> asyncio.Task[Answer]:
        return asyncio.create_task(self._replica.run(self._model, question))


async def test_a_sequence_is_expected_to_take_as_long_as_its_session_says(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_replica, "replicas", lambda: 2)
    folder = tiny_models / "rows" / "1"
    settings: dict[str, Any] = {"device": "cpu", "load_seconds": 0}
    replica = ModelReplica(Settings(models=tiny_models, **settings), folder)
    model = await replica.load(str(Content.of(folder)))
    batcher = model.batchers["decode"]
    described = (await replica.describe(model))["decode"]
    executor = RemoteExecutor(
        "decode", batcher.session.operation, described, Direct(replica, model), lambda: 4
    )
    # Four replicas of the service share two of the model.
    assert batcher.seconds(10) > 0
    assert executor.seconds(10) == pytest.approx(2 * batcher.seconds(10))
    result = await executor.submit(np.zeros((1, 4), np.float32), 7)
    assert result.output.shape == (1, 7, 4)
    assert executor.seconds(10, 3) == pytest.approx(2 * batcher.seconds(10, 3))
