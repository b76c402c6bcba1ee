"""The files of an index: verified, mapped read-only, replaced and freed with their model."""

import gc
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from service.errors import StartupError
from service.inference.control import Control
from service.inference.loader import load
from service.inference.model import LoadedModel
from service.inference.repository import Repository
from service.manifest import digest
from tests.service.followed_folder import until
from tests.service.indexed import CODINGS, ITEMS, write_index
from tests.service.tiny import Start, write_model

SHADES = np.repeat([0.0, 0.5, 1.0], 16).reshape(3, 16).astype(np.float32)
NAMES: list[tuple[str, str | None]] = [("dark", None), ("gray", None), ("light", None)]
BRIGHT = {"inputs": np.ones((1, 4, 4)).tolist()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = write_model(tmp_path / "models", "mirror")
    write_index(found, SHADES, NAMES)
    return found


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    document["index"] |= changes
    path.write_text(json.dumps(document))


def test_a_manifest_without_an_index_is_as_it_was_before_there_were_any(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "mirror")
    assert "index" not in json.loads((folder / "manifest.json").read_text())
    assert load(folder).items is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"dimension": 15}, "index.dimension: expected the numbers of a coding (batch, 16)"),
        ({"count": 0}, "index.count: expected at least 1, received 0"),
        ({"count": 2**24 + 1}, "index.count: expected at most 16777216"),
        ({"metric": "dot"}, "index.metric: expected 'euclidean' or 'cosine', received 'dot'"),
        ({"more": 1}, "index.more: expected no such field, received 1"),
        (
            {"items": {"file": "../items.jsonl", "sha256": "0" * 64}},
            "index.items.file: expected String should match pattern",
        ),
        (
            {"codings": {"file": "none.npy", "sha256": "0" * 64}},
            "none.npy: expected the codings of the index, received: No such file or directory",
        ),
        (
            {"codings": {"file": CODINGS, "sha256": "0" * 64}},
            f"{CODINGS}: expected SHA-256 {'0' * 64}, received ",
        ),
        ({"count": 4}, f"{CODINGS}: expected float32 (4, 16), received float32 (3, 16)"),
    ],
)
def test_an_index_is_read_strictly(folder: Path, changes: dict[str, object], fault: str) -> None:
    edit(folder, **changes)
    with pytest.raises(StartupError, match=re.escape(fault)):
        load(folder)


def test_an_index_is_of_an_encoder(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "photo")
    write_index(folder, SHADES, NAMES)
    with pytest.raises(StartupError, match="index: expected none of a model that does not encode"):
        load(folder)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"id":"a","label":null}\n', "expected 3 whole lines, received 1"),
        ('{"id":"a","label":null}\n' * 3 + "{", "expected 3 whole lines, received 3"),
        ("", "expected 3 lines, received none"),
        ('{"id":"a","label":null}\n' * 2 + "no\n", "line 3: expected an object with an id and a"),
        (
            '{"id":1,"label":null}\n' * 3,
            'line 1: expected an object with an id and a label, received {"id":1',
        ),
        ('{"id":"a"}\n' * 3, "line 1: expected an object with an id and a label"),
    ],
)
def test_items_are_read_strictly(folder: Path, text: str, fault: str) -> None:
    write_index(folder, SHADES, NAMES)
    (folder / ITEMS).write_text(text)
    edit(folder, items={"file": ITEMS, "sha256": digest(folder / ITEMS)})
    with pytest.raises(StartupError, match=re.escape(f"{ITEMS}: {fault}")):
        load(folder)


def test_codings_are_an_array_of_float32(folder: Path) -> None:
    for wrong, fault in ((SHADES.astype("f8"), "float64"), (np.asfortranarray(SHADES), "float32")):
        np.save(folder / CODINGS, wrong)
        edit(folder, codings={"file": CODINGS, "sha256": digest(folder / CODINGS)})
        with pytest.raises(StartupError, match=re.escape(f"received {fault} (3, 16)")):
            load(folder)
    (folder / CODINGS).write_bytes(b"none")
    edit(folder, codings={"file": CODINGS, "sha256": digest(folder / CODINGS)})
    with pytest.raises(StartupError, match="expected an array of codings, received"):
        load(folder)


def test_without_its_index_a_model_loads_though_that_is_broken(folder: Path) -> None:
    (folder / CODINGS).unlink()
    model = load(folder, with_index=False)
    assert "neighbours" not in model.batchers


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_an_index_is_mapped_replaced_and_freed_with_its_model(folder: Path) -> None:
    repository = Repository(folder.parents[1], load, Control())
    assert _nearest(repository) == "light"
    mapped = _mapped(folder)
    assert sorted(line.rpartition("/")[2] for line in mapped) == [CODINGS, ITEMS]
    assert not [line for line in mapped if "w" in line.split()[1]]
    for name in (CODINGS, ITEMS):  # not over what is mapped
        (folder / name).unlink()
    write_index(folder, SHADES, [("A", None), ("B", None), ("C", None)])
    await repository.refresh()
    assert _nearest(repository) == "C"
    await until(lambda: gc.collect() >= 0 and len(_mapped(folder)) == 2)
    (folder / CODINGS).unlink()
    await repository.refresh()  # what cannot be loaded replaces nothing
    assert _nearest(repository) == "C"
    (version,) = repository.registry.versions("mirror")
    assert "expected the codings of the index" in version.fault


async def test_neighbours_come_and_go_with_the_encoder(start: Start, models: Path) -> None:
    write_index(models / "mirror" / "1", SHADES, NAMES)
    client = start(repository_control="true")
    assert (await client.post("/neighbours", json=BRIGHT)).status_code == 200
    await client.post("/v2/repository/models/mirror.encode/unload", json={})
    answer = await client.post("/neighbours?model=mirror", json=BRIGHT)
    assert answer.status_code == 409
    load_again = "POST /v2/repository/models/mirror.encode/load loads it again"
    assert answer.json()["detail"].endswith(load_again)
    assert (await client.post("/v2/repository/models/mirror.neighbours/unload")).status_code == 404
    await client.post("/v2/repository/models/mirror.encode/load", json={})
    assert (await client.post("/neighbours", json=BRIGHT)).status_code == 200


def _nearest(repository: Repository) -> str:
    model = repository.registry.get("mirror")
    assert isinstance(model, LoadedModel)
    found = model.infer("neighbours", np.ones((1, 16), np.float32), steps=1)
    assert model.items
    return model.items[int(found[0, 0, 0])].id


def _mapped(folder: Path) -> list[str]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in lines if f"{folder}/index-" in line]
