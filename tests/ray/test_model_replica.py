"""The versions of a model in a replica, which Ray multiplexes; no cluster carries requests."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.errors import NotLive
from service.ray.content import Content
from service.ray.model_replica import VERSIONS, ModelReplica
from service.settings import Settings
from tests.ray.conftest import NEEDS_RAY
from tests.service.tiny import write_model

multiplex = pytest.importorskip("ray.serve.multiplex", reason=NEEDS_RAY)


class Multiplexed:
    """A replica, and Ray's cache of its versions."""

    def __init__(self, replica: ModelReplica, cache: Any) -> None:
        self.replica, self._cache = replica, cache

    async def use(self, folder: Path) -> Any:
        """Return a version, as a request that names it has it."""
        return await self._cache.load_model(str(Content.of(folder)))

    @property
    def watched(self) -> set[int]:
        """The numbers of the versions whose health and metrics count."""
        return {number for _, number in self.replica._registry.known}


@pytest.fixture
async def multiplexed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Multiplexed]:
    """A replica of "half", of which the folder has one version more than a replica keeps."""
    for number in range(1, VERSIONS + 2):
        write_model(tmp_path, "half", number)
    context = SimpleNamespace(app_name="a", deployment="half", replica_id="1")
    monkeypatch.setattr(multiplex, "_get_internal_replica_context", lambda: context)
    settings = Settings(models=tmp_path, device="cpu", load_seconds=0)
    replica = ModelReplica(settings, tmp_path / "half" / "1")
    cache = multiplex._ModelMultiplexWrapper(replica.load, None, VERSIONS)
    yield Multiplexed(replica, cache)
    await cache.metrics_pusher.graceful_shutdown()
    await cache.shutdown()
    await replica.close()


async def test_the_version_that_ray_unloads_is_watched_no_more_and_all_others_are(
    multiplexed: Multiplexed, tmp_path: Path
) -> None:
    folders = [tmp_path / "half" / str(number) for number in range(1, VERSIONS + 2)]
    for folder in folders[:VERSIONS]:
        await multiplexed.use(folder)
    first = await multiplexed.use(folders[0])
    await multiplexed.use(folders[VERSIONS])
    assert multiplexed.watched == {1, 3, 4, 5}
    first.model.batchers["denoise"].busy_for = lambda: 1e6  # as where a batch hangs
    with pytest.raises(NotLive, match="denoise of half"):
        await multiplexed.replica.check_health()


async def test_a_content_that_another_one_of_its_number_has_replaced_takes_nothing_with_it(
    multiplexed: Multiplexed, tmp_path: Path
) -> None:
    folder = tmp_path / "half" / "1"
    await multiplexed.use(folder)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    newer = await multiplexed.use(folder)
    await multiplexed._cache.unload_model_lru()
    assert [each.model for each in multiplexed.replica._registry.known.values()] == [newer.model]
