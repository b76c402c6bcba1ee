"""Models that would read other files, or take any memory or time, are refused; others serve on."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from service.errors import StartupError
from service.inference import graph_file, trial
from service.inference.control import Control
from service.inference.graph_file import DEEPEST, check
from service.inference.loader import load
from service.inference.model import LoadedModel
from service.inference.repository import Repository
from service.manifest import Manifest, digest
from service.settings import SHIPPED_MODELS
from tests.service.followed_folder import states
from tests.service.tiny import IMAGES, write_model

SECRET = np.ones(16, np.float32).tobytes()
GRAPH = helper.make_tensor_value_info("images", TensorProto.FLOAT, IMAGES.shape)
OUT = helper.make_tensor_value_info("reconstructions", TensorProto.FLOAT, IMAGES.shape)


def graph(nodes: list[onnx.NodeProto], *constants: TensorProto) -> bytes:
    """A model of such nodes, which ONNX's own checker has not seen."""
    body = helper.make_graph(nodes, "hostile", [GRAPH], [OUT], list(constants))
    opset = [helper.make_opsetid("", 18)]
    return bytes(helper.make_model(body, opset_imports=opset, ir_version=10).SerializeToString())


def times(tensor: str) -> list[onnx.NodeProto]:
    """Multiply the images by the sum of a tensor."""
    return [
        helper.make_node("ReduceSum", [tensor], ["sum"], keepdims=0),
        helper.make_node("Mul", ["images", "sum"], ["reconstructions"]),
    ]


def constant(name: str, value: object) -> TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def elsewhere(location: str) -> TensorProto:
    """Weights in another file."""
    tensor = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[16])
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


def sized(size: int) -> bytes:
    return graph(
        [helper.make_node("ConstantOfShape", ["size"], ["large"]), *times("large")],
        constant("size", [size]),
    )


def endless() -> bytes:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["goes_on"], ["still"]),
            helper.make_node("Neg", ["value"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    loop = helper.make_node("Loop", ["turns", "true", "images"], ["reconstructions"], body=body)
    return graph([loop], constant("turns", np.int64(2**62)), constant("true", np.bool_(True)))


def deep(depth: int) -> bytes:
    """A graph whose nodes hold graphs, as the branches of If do."""
    content = b""
    for _ in range(depth):  # a node, its attribute, its graph
        content = field(1, field(5, field(6, content)))
    return field(7, content)


def field(number: int, content: bytes) -> bytes:
    """A message as Protocol Buffers encode it within another."""
    length, low = divmod(len(content), 128)
    assert length < 128
    size = [low | 128, length] if length else [low]
    return bytes([number << 3 | 2, *size]) + content


def put(root: Path, content: bytes, version: int) -> Path:
    """Write a version of a tiny model whose denoiser is another graph; its digest is right."""
    folder = write_model(root, "half", version)
    (folder / "denoise.onnx").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["operations"]["denoise"]["sha256"] = digest(folder / "denoise.onnx")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    "location", ["../../../secret", "{root}/secret", "link", "weights", "*/_ORT_MEM_ADDR_/*"]
)
def test_weights_in_another_file_are_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    content = graph(times("weights"), elsewhere(location.format(root=tmp_path)))
    folder = put(tmp_path / "models", content, 1)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "weights").write_bytes(SECRET)
    with pytest.raises(StartupError, match=r"denoise\.onnx: expected weights within .* external"):
        load(folder)


def within_attribute() -> bytes:
    return graph([helper.make_node("Constant", [], ["w"], value=elsewhere("w")), *times("w")])


def within_branch() -> bytes:
    body = helper.make_graph([], "branch", [], [], [elsewhere("w")])
    return graph([helper.make_node("If", ["images"], ["reconstructions"], then_branch=body)])


def within_sparse() -> bytes:
    model = onnx.load_model_from_string(graph(times("w")))
    model.graph.sparse_initializer.add().values.CopyFrom(elsewhere("w"))
    return bytes(model.SerializeToString())


def within_function() -> bytes:
    model = onnx.load_model_from_string(graph(times("w")))
    node = helper.make_node("Constant", [], ["w"], value=elsewhere("w"))
    model.functions.append(helper.make_function("own", "own", [], ["w"], [node], []))
    return bytes(model.SerializeToString())


def told_apart() -> bytes:
    """The location in one message, where it is in another: readers merge them."""
    tensor = elsewhere("w")
    place = TensorProto(data_location=TensorProto.EXTERNAL)
    tensor.ClearField("data_location")
    model = onnx.load_model_from_string(graph(times("w"), tensor))
    rest = field(7, field(5, bytes(place.SerializeToString())))
    return bytes(model.SerializeToString()) + rest


@pytest.mark.parametrize(
    "make", [within_attribute, within_branch, within_sparse, within_function, told_apart]
)
def test_weights_in_another_file_are_found_wherever_they_are(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    path = tmp_path / "graph.onnx"
    path.write_bytes(make())
    with pytest.raises(StartupError, match="received external data"):
        check(path)


def chain(count: int) -> bytes:
    names = ["images", *(f"x{each}" for each in range(count - 1)), "reconstructions"]
    return graph(
        [helper.make_node("Neg", names[n : n + 1], names[n + 1 : n + 2]) for n in range(count)]
    )


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (partial(chain, 501), "at most 500 nodes"),
        (lambda: b"\x3a\x00" * 2501, "at most 500 nodes"),
        (partial(deep, DEEPEST // 3 + 1), f"at most {DEEPEST} levels"),
        (lambda: graph([helper.make_node("EPContext", ["images"], ["o"])]), "compiled one"),
        (lambda: b"", "expected an ONNX graph"),
        (lambda: b"no graph", "expected an ONNX graph"),
        (lambda: b"\x3a\xff\xff\xff\xff\x0f" + bytes(9), "expected an ONNX graph"),
        (lambda: b"\x3a" + b"\xff" * 20, "expected an ONNX graph"),
        (lambda: b"\x3b\x3c", "expected an ONNX graph"),
        (lambda: graph(times("w"))[:-3], "expected an ONNX graph"),
    ],
)
def test_a_file_that_is_no_usable_graph_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes], fault: str
) -> None:
    monkeypatch.setattr(graph_file, "MOST_NODES", 500)
    monkeypatch.setattr(graph_file, "MOST_FIELDS", 2500)
    path = tmp_path / "graph.onnx"
    path.write_bytes(make())
    with pytest.raises(StartupError, match=fault) as raised:
        check(path)
    assert str(path) in str(raised.value)


def test_every_shipped_graph_is_taken() -> None:
    graphs = sorted(SHIPPED_MODELS.glob("*/*/*.onnx"))
    assert graphs
    for each in graphs:
        check(each)


@pytest.mark.parametrize("name", ["manifest.json", "denoise.onnx"])
def test_a_file_is_one_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path / "models", "half")
    moved = (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(moved)
    with pytest.raises(StartupError, match="a link to a file outside of the folder"):
        load(folder)
    (folder / name).unlink()
    (folder / "..data").mkdir()
    moved.rename(folder / "..data" / name)
    (folder / name).symlink_to(Path("..data") / name)  # as Kubernetes mounts volumes
    load(folder)
    if sys.platform != "win32":
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(StartupError, match="no regular file"):
            load(folder)


def test_a_manifest_and_a_card_have_a_bound(tmp_path: Path) -> None:
    root = tmp_path / "models"
    folder = write_model(root, "half")
    (folder / "README.md").write_text("x" * (1 << 20) + "y")
    (tmp_path / "secret").write_text("secret")
    (write_model(root, "half", 2) / "README.md").symlink_to(tmp_path / "secret")
    cards = [each.card for each in Repository(root, load, Control()).registry.known.values()]
    assert cards == ["", ""]
    with (folder / "manifest.json").open("a") as file:
        file.write(" " * (4 << 20))
    with pytest.raises(StartupError, match="received: more than 4194304 bytes"):
        load(folder)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    root = tmp_path / "models"
    write_model(root, "half")
    tried = partial(trial.try_out, seconds=3, memory=1 << 30)
    yield Repository(root, load, Control(), try_out=tried)
    trial.end()


@pytest.mark.slow
async def test_a_model_that_takes_too_much_is_refused_and_the_others_serve(
    repository: Repository, tmp_path: Path
) -> None:
    root = tmp_path / "models"
    put(root, sized(10**9), 2)  # 4 GB, as the optimizer folds it
    put(root, endless(), 3)
    put(root, b"no graph", 4)
    write_model(root, "mirror")
    following = asyncio.create_task(repository.refresh())
    while not following.done():  # requests are answered meanwhile
        half = repository.registry.get("half")
        assert isinstance(half, LoadedModel)
        half.infer("denoise", np.ones((1, 4, 4), np.float32))
        await asyncio.sleep(0.05)
    await following
    assert states(repository) == {
        "half/4": "failed",
        "half/3": "failed",
        "half/2": "failed",
        "half/1": "ready",
        "mirror/1": "ready",
    }
    faults = {each.number: each.fault for each in repository.registry.versions("half")}
    assert "1073741824 bytes of memory (SERVICE_LOAD_MEMORY_BYTES), received" in faults[2]
    assert "within 3 s (SERVICE_LOAD_SECONDS), received one that takes longer" in faults[3]
    assert "expected an ONNX graph" in faults[4]


def test_the_manifest_names_files_of_its_own_folder_alone(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "half")
    text = (folder / "manifest.json").read_text()
    for name in ("../denoise.onnx", "/tmp/denoise.onnx", "a/b.onnx", "..\\\\x.onnx", "denoise.so"):
        (folder / "manifest.json").write_text(text.replace("denoise.onnx", name))
        with pytest.raises(ValueError, match="should match pattern"):
            Manifest.read(folder)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_a_version_is_tried_once_by_all_workers(tmp_path: Path, is_shared: bool) -> None:
    root, tried = tmp_path / "models", list[str]()
    shared = tmp_path / "shared" if is_shared else None
    control = Control(shared)

    def note(folder: Path) -> None:
        tried.append(folder.name)

    write_model(root, "half")
    repository = Repository(root, load, control, try_out=note)
    assert tried == []
    write_model(root, "half", 2)
    put(root, b"no graph", 3)
    await repository.refresh()
    assert tried == ["2", "3"]
    again = control if shared is None else Control(shared)
    Repository(root, load, again, strict=False, try_out=note)
    assert tried == ["2", "3", "3"]
    assert states(repository) == {"half/3": "failed", "half/2": "ready", "half/1": "ready"}
