"""Operations of models are unloaded and loaded again, by all workers alike."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import ModelNotFound, StartupError
from service.inference.control import Control
from service.inference.loader import load
from service.inference.model import Model
from service.inference.repository import Repository
from tests.service.followed_folder import break_graph, states
from tests.service.tiny import write_model


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    write_model(folder, "half")
    return folder


@pytest.fixture
def repository(root: Path) -> Repository:
    return Repository(root, load, Control())


@pytest.mark.parametrize("is_shared", [False, True])
async def test_an_operation_is_unloaded_and_loaded_again(
    root: Path, tmp_path: Path, is_shared: bool
) -> None:
    shared = tmp_path / "shared" if is_shared else None
    repository = Repository(root, load, Control(shared))
    await repository.unload("half", "denoise")
    assert set(repository.registry.get("half").batchers) == {"encode", "decode", "reconstruct"}
    await repository.unload("half", "encode")
    await repository.unload("half", "decode")
    assert states(repository) == {"half/1": "unloaded"}
    with pytest.raises(ModelNotFound):
        repository.registry.get("half")
    await repository.load("half", "denoise")
    assert set(repository.registry.get("half").batchers) == {"denoise"}


async def test_workers_that_share_a_folder_agree(root: Path, tmp_path: Path) -> None:
    first, second = (Repository(root, load, Control(tmp_path / "shared")) for _ in range(2))
    await first.unload("half", "denoise")
    await second.refresh()
    assert "denoise" not in second.registry.get("half").batchers
    await second.load("half", "denoise")
    await first.refresh()
    assert "denoise" in first.registry.get("half").batchers


async def test_only_what_is_known_can_be_unloaded_or_loaded(
    repository: Repository, root: Path
) -> None:
    for control in (repository.unload, repository.load):
        with pytest.raises(ModelNotFound, match=r"expected one of half\.encode, half\.decode"):
            await control("nothing", "encode")
    write_model(root, "mirror")
    await repository.load("mirror", "encode")  # it is new, and asking for it is enough
    assert "encode" in repository.registry.get("mirror").batchers


async def test_loading_what_is_broken_says_why(repository: Repository, root: Path) -> None:
    break_graph(root / "half" / "1")
    with pytest.raises(StartupError, match=r"denoise\.onnx: expected SHA-256"):
        await repository.load("half", "denoise")
    with pytest.raises(StartupError):  # and again, though nothing has changed
        await repository.load("half", "denoise")
    assert "denoise" in repository.registry.get("half").batchers


def counted(loaded: list[str]) -> Callable[[Path], Model]:
    def count(folder: Path) -> Model:
        loaded.append(f"{folder.parent.name}/{folder.name}")
        return load(folder)

    return count


async def test_unloading_loads_nothing_and_leaves_the_folder_alone(root: Path) -> None:
    loaded: list[str] = []
    repository = Repository(root, counted(loaded), Control())
    session = repository.registry.get("half").batchers["encode"]
    break_graph(root / "half" / "1")
    write_model(root, "mirror")
    await repository.unload("half", "denoise")
    assert loaded == ["half/1"]
    assert repository.registry.get("half").batchers["encode"] is session
    assert states(repository) == {"half/1": "ready"}


async def test_loading_a_model_leaves_the_others_as_they_are(root: Path) -> None:
    loaded: list[str] = []
    write_model(root, "mirror")
    repository = Repository(root, counted(loaded), Control())
    write_model(root, "half", 2)
    break_graph(root / "half" / "1")
    await repository.unload("mirror", "encode")
    await repository.load("mirror", "encode")
    assert loaded == ["half/1", "mirror/1", "mirror/1"]
    assert "encode" in repository.registry.get("mirror").batchers


async def test_an_operation_is_unloaded_though_the_folder_has_gone(
    repository: Repository, root: Path
) -> None:
    shutil.move(root, root.with_name("elsewhere"))
    await repository.unload("half", "denoise")
    assert "denoise" not in repository.registry.get("half").batchers
    with pytest.raises(StartupError, match="expected a folder of models"):
        await repository.load("half", "denoise")
    shutil.move(root.with_name("elsewhere"), root)
    await repository.load("half", "denoise")
    assert "denoise" in repository.registry.get("half").batchers


async def test_other_workers_follow_what_was_asked_and_not_the_folder(
    root: Path, tmp_path: Path
) -> None:
    write_model(root, "mirror")
    first, second = (Repository(root, load, Control(tmp_path / "shared")) for _ in range(2))
    write_model(root, "half", 2)
    write_model(root, "mirror", 2)
    await second.refresh(folder=False)
    assert states(second) == {"half/1": "ready", "mirror/1": "ready"}
    await first.load("half", "denoise")  # nothing of it was unloaded, but a version is new
    await first.unload("mirror", "encode")
    await second.refresh(folder=False)
    assert states(second) == {"half/2": "ready", "half/1": "ready", "mirror/1": "ready"}
    assert "encode" not in second.registry.get("mirror").batchers
    await first.load("mirror", "encode")
    await second.refresh(folder=False)
    assert second.registry.get("mirror").version == 2
    assert "encode" in second.registry.get("mirror").batchers


async def test_a_broken_version_that_is_asked_for_is_tried_again_by_a_poll_under_way(
    repository: Repository, root: Path
) -> None:
    loaded: list[str] = []
    repository = Repository(root, counted(loaded), Control())
    break_graph(root / "half" / "1")
    await repository.refresh()
    poll = asyncio.create_task(repository.refresh())
    with pytest.raises(StartupError):
        await repository.load("half", "denoise")
    await poll
    assert loaded == ["half/1"] * 3
