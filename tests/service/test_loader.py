"""Models are found, verified and loaded, and a broken one is refused by name."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from service.errors import InvalidValue, OperationNotOffered, ShapeMismatch, StartupError
from service.inference.control import Control
from service.inference.device import CUDA, Execution
from service.inference.loader import load
from service.inference.pixels import Floats
from service.inference.repository import Repository
from service.inference.session import BUCKET, Session
from service.inference.tiling.layout import Tiling
from service.manifest import Tensor
from tests.service.tiny import IMAGES, SIGMA, TILES, blur, halve, write_graph, write_model

PHOTOGRAPH = np.zeros((2, 8, 16, 3), np.float32)


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_empty_folder_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"expected folders <name>/<version>/"):
        Repository(tmp_path, load, Control())


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"schema_version": 1}, "schema_version: expected 4, received 1"),
        ({"extra": 1}, "extra: expected no such field, received 1"),
        (
            {"operations": {"encode": {"sha256": "abc"}}},
            (
                "operations.encode.file: expected a value, received none; operations.encode.sha256:"
                " expected String should match pattern '^[0-9a-f]{64}$', received 'abc'"
            ),
        ),
        ({"version": "1"}, "version: expected a valid integer, received '1'"),
        ({"version": 0}, "version: expected at least 1, received 0"),
        ({"operations": {}}, "operations: expected at least one of encode, decode, denoise"),
        ({"operations": {"encode": {}}}, "operations.encode.file: expected a value, received none"),
        ({"pixels": {"mode": "L", "scale": 0}}, "pixels.scale: expected more than 0.0, received 0"),
    ],
)
def test_a_manifest_is_read_strictly(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    folder = write_model(tmp_path, "half")
    edit(folder, **changes)
    with pytest.raises(StartupError, match=re.escape(f"{folder}/manifest.json: {fault}")) as raised:
        load(folder)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[\n]", "\0"])
def test_a_manifest_that_is_something_else_is_explained_in_one_line(
    tmp_path: Path, text: str
) -> None:
    folder = write_model(tmp_path, "half")
    (folder / "manifest.json").write_text(text)
    with pytest.raises(StartupError, match=r"manifest\.json: expected .*, received.+") as raised:
        load(folder)
    assert "\n" not in str(raised.value)


def test_a_missing_manifest_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(
        StartupError,
        match=r"manifest\.json: expected a manifest, received: No such file or dir\w+$",
    ):
        load(tmp_path)


def test_a_manifest_belongs_to_its_folder(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "half")
    moved = folder.rename(folder.with_name("2"))
    with pytest.raises(StartupError, match=r"expected the folder half/1 .* received half/2"):
        load(moved)


def test_a_graph_that_is_missing_is_named(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "half")
    (folder / "denoise.onnx").unlink()
    with pytest.raises(StartupError, match=r"denoise\.onnx: expected the graph of denoise"):
        load(folder)


def test_a_graph_that_was_changed_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "half")
    with (folder / "denoise.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(StartupError, match=r"denoise\.onnx: expected SHA-256"):
        load(folder)


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    operation = write_graph(halve(), path)
    path.write_bytes(b"no graph")
    with pytest.raises(StartupError, match=r"broken\.onnx: expected an ONNX graph"):
        Session(path, operation, Execution())


@pytest.mark.parametrize(
    "told",
    [
        Tensor(name="pictures", dtype="float32", shape=IMAGES.shape),
        Tensor(name="images", dtype="int64", shape=IMAGES.shape),
        Tensor(name="images", dtype="float32", shape=("batch", 4, 5)),
        Tensor(name="images", dtype="float32", shape=("batch", 4)),
        Tensor(name="images", dtype="float32", shape=("batch", "steps", 4)),
    ],
)
def test_a_graph_must_have_the_tensors_that_the_manifest_describes(
    tmp_path: Path, told: Tensor
) -> None:
    operation = write_graph(halve(), tmp_path / "graph.onnx")
    for side in ("input", "output"):
        name = told.name if side == "input" else "reconstructions"
        wrong = told.model_copy(update={"name": "pictures" if told.name == "pictures" else name})
        other = operation.model_copy(update={side: wrong})
        with pytest.raises(StartupError, match=r"graph\.onnx: expected the tensors"):
            Session(tmp_path / "graph.onnx", other, Execution())


def test_a_model_checks_what_it_is_given(tmp_path: Path) -> None:
    model = load(write_model(tmp_path, "mirror"))
    with pytest.raises(ShapeMismatch, match=r"images: expected \(batch, 4, 4\), received \(4, 4\)"):
        model.infer("encode", np.zeros((4, 4), np.float32))
    with pytest.raises(InvalidValue, match="finite"):
        model.infer("encode", np.full((1, 4, 4), np.inf, np.float32))
    with pytest.raises(
        OperationNotOffered,
        match="expected one of encode, decode, reconstruct of mirror, received d",
    ):
        model.infer("denoise", np.zeros((1, 4, 4), np.float32))


def test_only_what_takes_photographs_of_any_size_is_cut_into_tiles(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "half")
    operations = json.loads((folder / "manifest.json").read_text())["operations"]
    operations["denoise"]["tiles"] = TILES.model_dump()
    edit(folder, operations=operations)
    fault = "operations.denoise: tiles: expected none but for input and output of shape (batch, "
    with pytest.raises(StartupError, match=re.escape(fault)):
        load(folder)


def test_what_takes_photographs_is_in_colour_and_is_told_a_sigma_for_each(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "photo")
    told = json.loads((folder / "manifest.json").read_text())
    edit(folder, pixels=told["pixels"] | {"mode": "L"})
    with pytest.raises(StartupError, match=r"pixels\.mode: expected RGB .* received L"):
        load(folder)
    told["operations"]["denoise"]["sigma"]["tensor"]["shape"] = ["batch", 1]
    edit(folder, pixels=told["pixels"], operations=told["operations"])
    with pytest.raises(StartupError, match=r"sigma: expected a tensor of shape \(batch\)"):
        load(folder)


@pytest.mark.parametrize("sigma", [None, SIGMA.model_copy(update={"tensor": IMAGES})])
def test_a_graph_must_take_the_noise_as_the_manifest_says(tmp_path: Path, sigma: object) -> None:
    operation = write_graph(blur(), tmp_path / "graph.onnx")
    other = operation.model_copy(update={"sigma": sigma})
    with pytest.raises(StartupError, match=r"received .* sigma tensor\(float\) \(free\)"):
        Session(tmp_path / "graph.onnx", other, Execution())


@pytest.mark.parametrize("shape", [(1, 7, 8, 3), (1, 8, 7, 3), (1, 12, 12, 3)])
def test_photographs_that_are_not_padded_are_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    model = load(write_model(tmp_path, "photo"))
    with pytest.raises(ShapeMismatch, match="multiples of 8, received") as raised:
        model.infer("denoise", np.zeros(shape, np.float32))
    assert str(shape) in str(raised.value)


@pytest.mark.parametrize("sigma", [-0.5, -2.0, 100.5, float("nan"), [0.0, 101.0]])
def test_noise_beyond_what_a_model_knows_is_refused(tmp_path: Path, sigma: float) -> None:
    session = load(write_model(tmp_path, "photo")).batchers["denoise"].session
    with pytest.raises(InvalidValue, match="sigma: expected a number from 0 to 100, received"):
        session.check(PHOTOGRAPH, sigma=sigma)


def test_noise_is_told_of_each_item_and_of_no_other_model(tmp_path: Path) -> None:
    session = load(write_model(tmp_path, "photo")).batchers["denoise"].session
    for sigma in (None, 0.0, 100.0, -1.0, np.array([-1, 30], np.float32)):
        assert session.check(PHOTOGRAPH, sigma=sigma) == PHOTOGRAPH.shape
    with pytest.raises(ShapeMismatch, match=r"sigma: expected \(2\), received \(3\)"):
        session.check(PHOTOGRAPH, sigma=np.zeros(3, np.float32))
    other = load(write_model(tmp_path, "half")).batchers["denoise"].session
    with pytest.raises(InvalidValue, match=r"sigma: expected none, as .* received 25"):
        other.check(np.zeros((1, 4, 4), np.float32), sigma=25.0)


@pytest.mark.parametrize(
    ("provider", "max_batch", "shapes"),
    [
        ("CPUExecutionProvider", 1, [(1, 64, 64, 3), *[(1, 256, 256, 3)] * 4]),
        (CUDA, 3, [(1, 64, 64, 3), (2, 64, 64, 3), (4, 64, 64, 3), *[(1, 1600, 1600, 3)] * 4]),
    ],
)
def test_a_model_of_photographs_is_warmed_up_with_sizes_that_it_takes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    max_batch: int,
    shapes: list[tuple[int, ...]],
) -> None:
    model = load(write_model(tmp_path, "photo"))
    session = model.batchers["denoise"].session
    session.provider = provider
    session.tiling = Tiling.of(TILES, BUCKET if provider == CUDA else 1)
    seen: list[tuple[int, ...]] = []
    run = Session.run

    def remember(session: Session, array: Floats) -> Floats:
        seen.append(array.shape)
        return run(session, array)

    monkeypatch.setattr(Session, "run", remember)
    model.warm_up(max_batch)
    assert seen == shapes
