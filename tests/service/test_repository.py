"""A folder of models is followed: versions come, change and go while the service runs."""

import asyncio
import gc
import shutil
import weakref
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from service.errors import ModelNotFound, OperationNotOffered, StartupError
from service.inference.control import Control
from service.inference.loader import load
from service.inference.model import LoadedModel, Model
from service.inference.repository import Repository
from service.manifest import Manifest, digest
from tests.service.asgi import lifespan
from tests.service.followed_folder import IMAGES, break_graph, states, until
from tests.service.tiny import Start, write_model


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    write_model(folder, "half")
    return folder


@pytest.fixture
def repository(root: Path) -> Repository:
    return Repository(root, load, Control())


async def test_a_new_version_takes_its_place_and_the_old_one_stays(
    repository: Repository, root: Path
) -> None:
    old = repository.registry.get("half")
    write_model(root, "half", 2)
    await repository.refresh()
    assert repository.registry.get("half").version == 2
    assert repository.registry.get("half", 1) is old


async def test_what_has_not_changed_is_not_loaded_again(repository: Repository, root: Path) -> None:
    model = repository.registry.get("half")
    await repository.refresh()
    assert repository.registry.get("half") is model


async def test_a_version_that_goes_is_served_no_more_and_its_requests_are_answered(
    repository: Repository, root: Path
) -> None:
    write_model(root, "mirror")
    await repository.refresh()
    answer = repository.registry.get("mirror").batchers["encode"].submit(IMAGES)
    shutil.rmtree(root / "mirror")
    await repository.refresh()
    assert states(repository) == {"half/1": "ready"}
    assert (await answer).output.shape == (1, 16)


async def test_a_broken_version_never_replaces_a_good_one(
    repository: Repository, root: Path
) -> None:
    broken = write_model(root, "half", 2)
    break_graph(broken)
    break_graph(root / "half" / "1")  # and the good one is broken where it lies
    await repository.refresh()
    assert states(repository) == {"half/1": "ready", "half/2": "failed"}
    good_model = repository.registry.get("half")
    assert isinstance(good_model, LoadedModel)
    assert good_model.infer("denoise", IMAGES)[0, 0, 0] == 0.5
    newest, good = repository.registry.versions("half")
    assert "expected SHA-256" in newest.fault
    assert "expected SHA-256" in good.fault
    shutil.rmtree(broken)
    write_model(root, "half", 2)
    await repository.refresh()
    assert states(repository) == {"half/1": "ready", "half/2": "ready"}


async def test_a_broken_version_is_reported_once_and_tried_again_when_it_changes(
    repository: Repository, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    break_graph(write_model(root, "mirror"))
    (root / "mirror" / "1" / "encode.onnx").write_bytes(b"no graph")
    for _ in range(3):
        await repository.refresh()
    assert caplog.text.count("could not be loaded") == 1


async def test_a_fault_is_told_in_one_line_that_names_the_folder_once(
    repository: Repository, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (write_model(root, "mirror") / "manifest.json").write_text('{"schema_version": 1}')
    await repository.refresh()
    (version,) = repository.registry.versions("mirror")
    path = root / "mirror" / "1" / "manifest.json"
    assert version.fault == (
        f"{path}: schema_version: expected 4, received 1; name: expected a value, received none; "
        "version: expected a value, received none; and 7 more"
    )
    (line,) = (each for each in caplog.messages if "could not be loaded" in each)
    assert line == f"mirror 1 could not be loaded: {version.fault}"


def test_who_takes_the_place_of_another_serves_what_can_be_loaded(root: Path) -> None:
    break_graph(write_model(root, "half", 2))
    write_model(root, "mirror").rename(root / "mirror" / "latest")
    with pytest.raises(StartupError):
        Repository(root, load, Control())
    repository = Repository(root, load, Control(), strict=False)
    assert states(repository) == {"half/2": "failed", "half/1": "ready"}
    assert repository.registry.get("half").version == 1
    break_graph(root / "half" / "1")
    with pytest.raises(StartupError, match=r"2/denoise\.onnx: .*; .*1/denoise\.onnx: "):
        Repository(root, load, Control(), strict=False)


async def test_what_is_known_and_not_served_is_told_why(repository: Repository, root: Path) -> None:
    registry = repository.registry
    await repository.unload("half", "denoise")
    again = r"is unloaded: POST /v2/repository/models/half\.{}/load loads it"
    with pytest.raises(OperationNotOffered, match=again.format("denoise")):
        registry.get_for("denoise", "half")
    await repository.unload("half", "encode")
    await repository.unload("half", "decode")
    for version in (None, 1):
        with pytest.raises(ModelNotFound, match=again.format("<operation>")):
            registry.get("half", version)
    await repository.load("half", "encode")
    break_graph(write_model(root, "half", 2))
    await repository.refresh()
    with pytest.raises(ModelNotFound, match=r"received 2, which could not be loaded: .*SHA-256"):
        registry.get("half", 2)
    with pytest.raises(ModelNotFound, match=r"received 'nothing'$"):
        registry.get("nothing")


async def test_a_folder_that_has_gone_takes_nothing_away(
    repository: Repository, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.move(root, root.with_name("elsewhere"))
    await repository.refresh()
    assert states(repository) == {"half/1": "ready"}
    assert "expected a folder of models" in caplog.text


async def test_a_folder_that_is_no_version_is_left_out(repository: Repository, root: Path) -> None:
    write_model(root, "mirror").rename(root / "mirror" / "latest")
    await repository.refresh()
    assert states(repository) == {"half/1": "ready"}


async def test_what_answers_no_longer_is_in_the_log(
    repository: Repository, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    write_model(root, "half", 2)
    await repository.refresh()
    caplog.clear()
    await repository.unload("half", "denoise")
    await repository.unload("half", "denoise")
    shutil.rmtree(root / "half" / "2")
    await repository.refresh()
    assert caplog.messages == [
        "unloaded half 1: denoise",
        "unloaded half 2: denoise",
        "unloaded half 2: encode, decode, reconstruct, as its folder has gone",
    ]


async def test_a_version_that_does_not_run_is_reported_and_holds_up_no_other(
    start: Start, models: Path
) -> None:
    client = start(reload_seconds=0.01)
    stubborn = write_stubborn_model(models, "aaa")
    async with lifespan(client):
        await asyncio.to_thread(write_model, models, "half", 3)
        async with asyncio.timeout(30):
            answer = (await client.get("/models/half")).json()["models"]
            while answer[0]["version"] != 3:
                await asyncio.sleep(0.01)
                answer = (await client.get("/models/half")).json()["models"]
        (failed,) = (await client.get("/models/aaa")).json()["models"]
    assert failed["state"] == "failed"
    assert f"{stubborn}: expected graphs that run, received" in failed["fault"]


def write_stubborn_model(root: Path, name: str) -> Path:
    """Write a model that loads, and whose graph fails whenever it runs: 7 numbers are no image."""
    folder = write_model(root, "mirror", 7)
    path = folder / "decode.onnx"
    graph = onnx.load(path)
    graph.graph.initializer[0].CopyFrom(
        helper.make_tensor("shape", TensorProto.INT64, [3], [-1, 7, 4])
    )
    graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 7
    onnx.save(graph, path)
    manifest = Manifest.read(folder)
    decode = manifest.operations["decode"]
    output = decode.output.model_copy(update={"shape": ("batch", 7, 4)})
    decode = decode.model_copy(update={"sha256": digest(path), "output": output})
    operations = {**manifest.operations, "decode": decode}
    manifest.model_copy(update={"name": name, "version": 1, "operations": operations}).write(folder)
    (root / name).mkdir()
    return folder.rename(root / name / "1")


async def test_any_fault_of_loading_is_reported(root: Path) -> None:
    def fail_second(folder: Path) -> Model:
        if folder.name == "2":
            raise MemoryError
        return load(folder)

    repository = Repository(root, fail_second, Control())
    write_model(root, "half", 2)
    write_model(root, "mirror")
    await repository.refresh()
    assert states(repository) == {"half/1": "ready", "half/2": "failed", "mirror/1": "ready"}
    assert repository.registry.versions("half")[0].fault == "MemoryError()"


async def test_following_goes_on_after_a_fault(
    repository: Repository, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh = repository.refresh
    calls = 0

    async def fail_first(*, folder: bool) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("a disk that went away")
        await refresh(folder=folder)

    monkeypatch.setattr(repository, "refresh", fail_first)
    following = asyncio.create_task(repository.follow(0.01))
    write_model(root, "half", 2)
    await until(lambda: repository.registry.get("half").version == 2)
    following.cancel()


async def test_models_reports_a_broken_version(start: Start, models: Path) -> None:
    client = start(reload_seconds=0.01)
    break_graph(write_model(models, "half", 3))
    async with lifespan(client):
        answer = (await client.get("/models/half")).json()["models"]
        async with asyncio.timeout(30):
            while len(answer) < 3:
                await asyncio.sleep(0.01)  # what answers from memory never lets others run
                answer = (await client.get("/models/half")).json()["models"]
    assert [(each["version"], each["state"]) for each in answer] == [
        (3, "failed"),
        (2, "ready"),
        (1, "ready"),
    ]
    assert "denoise.onnx: expected SHA-256" in answer[0]["fault"]
    assert answer[0]["execution_provider"] is None
    body = {"inputs": IMAGES.tolist()}
    assert (await client.post("/denoise", json=body)).json()["version"] == 2


async def test_requests_are_answered_without_a_pause_while_versions_change(
    start: Start, models: Path
) -> None:
    client = start(reload_seconds=0.01)
    body = {"inputs": IMAGES.tolist()}
    seen: set[int] = set()
    async with lifespan(client):
        for version in (3, 4, 5):
            await asyncio.to_thread(write_model, models, "half", version)
            async with asyncio.timeout(30):
                while version not in seen:
                    answer = await client.post("/denoise", json=body)
                    assert answer.status_code == 200
                    seen.add(answer.json()["version"])


async def test_a_model_that_goes_is_freed_though_it_was_there_from_the_start(
    models: Path,
) -> None:
    repository = Repository(models, load, Control())
    gc.collect()
    gc.freeze()
    try:
        session = weakref.ref(repository.registry.get("mirror").batchers["encode"].session)
        shutil.rmtree(models / "mirror")
        await repository.refresh()
        assert session() is None
    finally:
        gc.unfreeze()
