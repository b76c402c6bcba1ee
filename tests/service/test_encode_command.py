"""python -m service encode: pictures and arrays to codings, in parts."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
from numpy.typing import NDArray
from obstore.store import S3Store
from PIL import Image
from pyarrow import parquet

from benchmarks.seaweed import client
from service.cli import main
from service.errors import InvalidValue
from service.files import stores
from service.files.codings import command, encoder, part_files
from service.files.codings.arguments import FORMATS
from service.files.codings.inputs import Inputs, Shard
from service.files.codings.run import Run
from service.inference.loader import load, locate
from service.inference.model import LoadedModel
from service.manifest import Manifest
from service.settings import Settings
from tests.service.command_files import files
from tests.service.object_store import store_in
from tests.service.photograph_files import encoded
from tests.service.tiny import write_model

Encode = Callable[..., int]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Store]:
    """A bucket, s3://bucket."""
    with (
        store_in(tmp_path_factory.mktemp("store")) as environment,
        pytest.MonkeyPatch.context() as m,
    ):
        for name, value in environment.items():
            m.setenv(name, value)
        stores.store_of.cache_clear()
        yield client(environment)
        stores.store_of.cache_clear()


@pytest.fixture
def encode(tmp_path: Path) -> Encode:
    for kind in ("mirror", "photo", "rows"):
        write_model(tmp_path / "models", kind)
    flags = [f"--models={tmp_path / 'models'}", "--device=cpu"]
    return lambda *words: main(["encode", *map(str, words), *flags])


def thumbnails(folder: Path, count: int) -> NDArray[np.uint8]:
    """Write pictures of 4x4 pixels; return their pixels in the order of their names."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 4, 4), np.uint8)
    for number, each in enumerate(pixels):
        path = folder / f"{number % 3}" / f"{number // 3:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(Image.fromarray(each), "PNG"))
    order = sorted(range(count), key=lambda number: (number % 3, number // 3))
    return pixels[order]


def parts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*"))}


def test_codings_are_those_of_the_model_in_parquet(encode: Encode, tmp_path: Path) -> None:
    pixels = thumbnails(tmp_path / "in", 150)
    output = tmp_path / "out"
    assert encode(tmp_path / "in", "-o", output, "--model=mirror", "--shard=100") == 0
    assert files(output) == ["_run.json", "part-00000.parquet", "part-00001.parquet"]
    table = parquet.read_table(output)  # as people do: what begins with _ is skipped
    assert table["path"].to_pylist()[:2] == ["0/000.png", "0/001.png"]
    codings = np.array(table["coding"].to_pylist(), np.float32)
    model = load(locate(tmp_path / "models", "mirror"))
    expected = model.infer("encode", np.divide(pixels, 255, dtype=np.float32))
    np.testing.assert_array_equal(codings, expected)
    assert str(table.schema.field("coding").type) == "fixed_size_list<element: float>[16]"
    told = json.loads(table.schema.metadata[part_files.KEY])
    assert told == {
        "model": "mirror",
        "version": 1,
        "sha256": model.manifest.operations["encode"].sha256,
        "shape": [16],
    }
    assert set(FORMATS) == part_files.WRITERS.keys()


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.float32])
def test_an_array_is_encoded_by_rows(
    encode: Encode, bucket: S3Store, tmp_path: Path, dtype: type
) -> None:
    array: NDArray[Any] = np.random.default_rng(0).integers(0, 2, (70, 4, 4)).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    obstore.put(bucket, "a.npy", (tmp_path / "a.npy").read_bytes())
    flags = ["--model=mirror", "--format=npz", "--shard=30"]
    assert encode(tmp_path / "a.npy", "-o", tmp_path / "out", *flags) == 0
    assert encode("s3://bucket/a.npy", "-o", tmp_path / "far", *flags) == 0
    assert parts(tmp_path / "far") == parts(tmp_path / "out")
    found = [np.load(tmp_path / "out" / name) for name in parts(tmp_path / "out")]
    np.testing.assert_array_equal(np.concatenate([each["row"] for each in found]), np.arange(70))
    floats = np.divide(array, 255, dtype=np.float32) if dtype == np.uint8 else array
    codings = np.concatenate([each["coding"] for each in found])
    np.testing.assert_array_equal(codings, floats.reshape(70, 16).astype(np.float32))


def test_what_has_no_coding_is_told_and_the_others_have_theirs(
    encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thumbnails(tmp_path / "in", 9)
    (tmp_path / "in" / "bad.png").write_bytes(b"none")
    wide = Image.new("RGB", (8, 4), "white")
    (tmp_path / "in" / "wide.png").write_bytes(encoded(wide, "PNG"))
    (tmp_path / "in" / "notes.txt").write_text("none")
    flags = ["--model=mirror", "--shard=4"]
    for _ in range(2):
        assert encode(tmp_path / "in", "-o", tmp_path / "out", *flags) == 1
    assert files(tmp_path / "out" / "_errors") == ["part-00002.jsonl"]
    told = (tmp_path / "out" / "_errors" / "part-00002.jsonl").read_text().splitlines()
    assert [json.loads(line)["path"] for line in told] == ["bad.png", "wide.png"]
    assert "expected 4x4 gray (L), received 8x4 RGB; --fit converts" in told[1]
    first, *_, again, last = capsys.readouterr().err.splitlines()
    counts = "skipped as other files: 1; parts: 3, written before:"
    assert first == f"encoded: 9, failed: 2, {counts} 0"
    assert again == f"encoded: 0, failed: 0, {counts} 3"
    assert last == f"items without codings are listed in {tmp_path / 'out' / '_errors'}"
    assert encode(tmp_path / "in", "-o", tmp_path / "fit", "--fit", *flags) == 1
    assert parquet.read_table(tmp_path / "fit").num_rows == 10
    values = np.zeros((3, 4, 4), np.float32)
    values[1, 0, 0] = np.nan
    np.save(tmp_path / "nan.npy", values)
    assert encode(tmp_path / "nan.npy", "-o", tmp_path / "nan", *flags) == 1
    assert parquet.read_table(tmp_path / "nan")["row"].to_pylist() == [0, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("form", FORMATS)
def test_a_name_that_is_no_utf_8_keeps_no_other_from_its_coding(
    encode: Encode, tmp_path: Path, form: str
) -> None:
    sound, output = encoded(Image.new("L", (4, 4)), "PNG"), tmp_path / "out"
    (tmp_path / "in").mkdir()
    for name, body in ((b"a.png", sound), (b"\xfe.png", b"none"), (b"\xff.png", sound)):
        (tmp_path / "in" / os.fsdecode(name)).write_bytes(body)
    assert encode(tmp_path / "in", "-o", output, "--model=mirror", f"--format={form}") == 1
    (line,) = (output / "_errors" / "part-00000.jsonl").read_text().splitlines()
    assert os.fsencode(json.loads(line)["path"]) == b"\xfe.png"
    if form == "npz":
        with np.load(output / "part-00000.npz") as part:
            assert [*map(os.fsencode, part["path"])] == [b"a.png", b"\xff.png"]
    else:
        assert parquet.read_table(output)["path"].to_pylist() == ["a.png", r"\udcff.png"]


def test_a_run_goes_on_with_the_parts_that_are_not_written(
    encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thumbnails(tmp_path / "in", 50)
    output, flags = tmp_path / "out", ["--model=mirror", "--shard=8"]
    assert encode(tmp_path / "in", "-o", output, *flags) == 0
    before = parts(output)
    for name in ("part-00002.parquet", "part-00006.parquet"):
        (output / name).unlink()
    left = {path: path.stat().st_mtime_ns for path in output.glob("part-*")}
    capsys.readouterr()
    assert encode(tmp_path / "in", "-o", output, *flags) == 0
    assert "encoded: 10, failed: 0" in capsys.readouterr().err
    assert parts(output) == before
    assert {path: path.stat().st_mtime_ns for path in left} == left


def test_a_part_that_is_deleted_is_tried_again_and_its_errors_are_forgotten(
    encode: Encode, tmp_path: Path
) -> None:
    thumbnails(tmp_path / "in", 8)
    sound = tmp_path / "in" / "0" / "001.png"
    content, status = sound.read_bytes(), sound.stat()
    sound.write_bytes(content[:-20] + bytes(20))
    os.utime(sound, ns=(status.st_atime_ns, status.st_mtime_ns))
    words = [tmp_path / "in", "-o", tmp_path / "out", "--model=mirror", "--shard=4"]
    assert encode(*words) == 1
    sound.write_bytes(content)
    os.utime(sound, ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "out" / "part-00000.parquet").unlink()
    assert encode(*words) == 0
    assert files(tmp_path / "out" / "_errors") == []


def planned(root: Path, source: Path, *, shard: int) -> tuple[LoadedModel, Run, Inputs]:
    """A run of `encode` from a file or folder to the folder `out`, in parts of numpy."""
    write_model(root / "models", "mirror")
    words = {"inputs": [str(source)], "output": str(root / "out"), "model": "mirror"}
    options = argparse.Namespace(version=None, format="npz", shard=shard, fit=False, **words)
    settings = Settings(models=root / "models", device="cpu")
    model, _ = command.loaded(settings, options, settings.execution)
    return model, *command.plan(settings, options, model, model.provider)


def mark(path: Path) -> tuple[int, int]:
    """Return what tells whether a file was written again, which reading it leaves as it is."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def test_a_part_of_another_process_of_the_run_is_left(tmp_path: Path) -> None:
    thumbnails(tmp_path / "in", 5)
    (tmp_path / "in" / "bad.png").write_bytes(b"none")
    model, run, inputs = planned(tmp_path, tmp_path / "in", shard=6)
    (shard,) = run.remaining(inputs, set())
    part, written = tmp_path / "out" / "part-00000.npz", []

    class Slow(encoder.Encoder):
        def encode(self, shard: Shard) -> encoder.Encoded:
            assert run.write(encoder.Encoder(model, run.options), shard) == (5, 1)
            written.append(mark(part))
            return super().encode(shard)

    assert run.write(Slow(model, run.options), shard) == (5, 1)
    for path in (tmp_path / "in").rglob("*.png"):
        path.unlink()  # what is there is not encoded again
    assert run.write(encoder.Encoder(model, run.options), shard) == (5, 1)
    assert [mark(part)] == written


def test_the_errors_of_a_part_stay_with_it_although_another_process_had_none(
    tmp_path: Path,
) -> None:
    thumbnails(tmp_path / "in", 5)
    (tmp_path / "in" / "last.png").write_bytes(b"none")
    model, run, inputs = planned(tmp_path, tmp_path / "in", shard=6)
    (shard,) = run.remaining(inputs, set())

    class Late(encoder.Encoder):
        def encode(self, shard: Shard) -> encoder.Encoded:
            assert run.write(encoder.Encoder(model, run.options), shard) == (5, 1)
            sound = (tmp_path / "in" / "0" / "000.png").read_bytes()
            (tmp_path / "in" / "last.png").write_bytes(sound)  # it can be read by now
            return super().encode(shard)

    assert run.write(Late(model, run.options), shard) == (5, 1)
    (line,) = (tmp_path / "out" / "_errors" / "part-00000.jsonl").read_text().splitlines()
    assert json.loads(line)["path"] == "last.png"


def replaced(folder: Path) -> None:
    """Delete a picture and add another one, so that their number stays."""
    (folder / "0" / "001.png").rename(folder / "2" / "new.png")


def added(folder: Path) -> None:
    (folder / "2" / "999.png").write_bytes((folder / "0" / "001.png").read_bytes())


def rewritten(folder: Path) -> None:
    (folder / "2" / "000.png").write_bytes(b"another content")


@pytest.mark.parametrize("change", [replaced, added, rewritten])
def test_inputs_that_change_after_they_are_listed_make_no_part_of_other_items(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    thumbnails(tmp_path / "in", 12)
    model, run, inputs = planned(tmp_path, tmp_path / "in", shard=4)
    before = list(run.remaining(inputs, set()))
    written = run.start()

    def write_all() -> None:
        for shard in run.remaining(inputs, written):
            assert shard in before
            run.write(encoder.Encoder(model, run.options), shard)

    change(tmp_path / "in")
    with pytest.raises(InvalidValue, match=r"expected the items of part-0000\d as they were"):
        write_all()
    with pytest.raises(InvalidValue, match="expected the items of part-0000"):
        list(run.remaining(inputs, set(range(3))))  # nor are parts of others taken as this run's


def test_an_array_that_changes_after_it_is_listed_makes_no_part(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((8, 4, 4), np.uint8))
    _, run, inputs = planned(tmp_path, tmp_path / "a.npy", shard=4)
    shards = run.remaining(inputs, set())
    next(shards)
    status = (tmp_path / "a.npy").stat()
    np.save(tmp_path / "a.npy", np.ones((8, 4, 4), np.uint8))
    os.utime(tmp_path / "a.npy", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    with pytest.raises(InvalidValue, match="expected the items of part-00001 as they were listed"):
        next(shards)


@pytest.mark.parametrize("name", ["part-00001.npz", "part-00001.parquet"])
def test_parts_of_something_else_are_not_taken_as_written(
    encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    thumbnails(tmp_path / "in", 5)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_bytes(b"junk")
    assert encode(tmp_path / "in", "-o", tmp_path / "out", "--model=mirror", "--shard=2") == 2
    assert f"which has {name} but no _run.json" in capsys.readouterr().err
    assert files(tmp_path / "out") == [name]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_a_description_that_is_damaged_is_named(
    encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    thumbnails(tmp_path / "in", 5)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_run.json").write_bytes(content)
    assert encode(tmp_path / "in", "-o", tmp_path / "out", "--model=mirror") == 2
    assert "where _run.json describes no run" in capsys.readouterr().err
    assert files(tmp_path / "out") == ["_run.json"]


def test_a_bucket_has_the_same_parts(encode: Encode, bucket: S3Store, tmp_path: Path) -> None:
    thumbnails(tmp_path / "in", 30)
    for name in files(tmp_path / "in"):
        obstore.put(bucket, f"in/{name}", (tmp_path / "in" / name).read_bytes())
    flags = ["--model=mirror", "--shard=12"]
    assert encode(tmp_path / "in", "-o", tmp_path / "out", *flags) == 0
    for _ in range(2):
        assert encode("s3://bucket/in", "-o", "s3://bucket/in/codings", *flags) == 0
    for name, content in parts(tmp_path / "out").items():
        assert bytes(obstore.get(bucket, f"in/codings/{name}").bytes()) == content


def test_a_folder_of_another_run_is_refused(
    encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thumbnails(tmp_path / "in", 5)
    words = [tmp_path / "in", "-o", tmp_path / "out", "--model=mirror"]
    assert encode(*words) == 0
    before = parts(tmp_path / "out")
    assert encode(*words, "--fit") == 2
    assert 'differs in preprocessing (fit: null, now "pad")' in capsys.readouterr().err
    write_model(tmp_path / "models", "mirror", 2)
    assert encode(*words) == 2
    assert "whose _run.json differs in model (version: 1, now 2)" in capsys.readouterr().err
    (tmp_path / "in" / "0" / "new.png").write_bytes(b"")
    assert encode(*words, "--version=1") == 2
    assert "whose _run.json differs in inputs (items: 5, now 6; sha256)" in capsys.readouterr().err
    assert parts(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("flags", "change", "differs"),
    [
        (["--fit"], {"fit": "crop"}, 'fit: "pad", now "crop"'),
        ([], {"scale": 127.5}, "scale: 255.0, now 127.5"),
        (
            ["--fit"],
            {"mode": "RGB", "fit": "resize"},
            'mode: "L", now "RGB"; fit: "pad", now "resize"',
        ),
        ([], {"fit": "crop"}, ""),  # which fits nothing without --fit
    ],
)
def test_the_same_graph_with_other_pixels_is_another_run(
    encode: Encode,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    change: dict[str, Any],
    differs: str,
) -> None:
    thumbnails(tmp_path / "in", 5)
    words = [tmp_path / "in", "-o", tmp_path / "out", "--model=mirror", "--shard=2", *flags]
    assert encode(*words) == 0
    before = parts(tmp_path / "out")
    (tmp_path / "out" / "part-00001.parquet").unlink()
    folder = locate(tmp_path / "models", "mirror")
    manifest = Manifest.read(folder)
    assert manifest.pixels
    pixels = manifest.pixels.model_copy(update=change)
    manifest.model_copy(update={"pixels": pixels}).write(folder)
    assert encode(*words) == (2 if differs else 0)
    told = capsys.readouterr().err
    assert (f"whose _run.json differs in preprocessing ({differs})" in told) == bool(differs)
    assert parts(tmp_path / "out").keys() == before.keys() - {"part-00001.parquet" * bool(differs)}


def test_the_same_graph_with_other_columns_is_another_run(
    encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_model(tmp_path / "models", "table")
    np.save(tmp_path / "a.npy", np.ones((3, 3), np.float32))
    words = [tmp_path / "a.npy", "-o", tmp_path / "out", "--model=table"]
    assert encode(*words) == 0
    manifest = Manifest.read(folder)
    assert manifest.rows
    first, *others = manifest.rows.columns
    missing = manifest.rows.missing
    now = f"missing: {json.dumps(missing)}, now {json.dumps(not missing)}"
    for change, differs in (
        ({"columns": (first.model_copy(update={"scale": 9.0}), *others)}, ""),  # of errors alone
        ({"columns": (first.model_copy(update={"name": "renamed"}), *others)}, "columns"),
        ({"missing": not missing}, now),  # or NaN has a coding in some parts alone
    ):
        rows = manifest.rows.model_copy(update=change)
        manifest.model_copy(update={"rows": rows}).write(folder)
        assert encode(*words) == (2 if differs else 0)
        told = f"whose _run.json differs in preprocessing ({differs})" if differs else ""
        assert told in capsys.readouterr().err


def test_the_run_of_another_schema_is_told_by_its_version(
    encode: Encode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thumbnails(tmp_path / "in", 2)
    words = [tmp_path / "in", "-o", tmp_path / "out", "--model=mirror"]
    assert encode(*words) == 0
    path = tmp_path / "out" / "_run.json"
    described = json.loads(path.read_text())
    assert described["schema_version"] == 2
    path.write_text(json.dumps(described | {"schema_version": 1}))
    assert encode(*words) == 2
    assert "whose _run.json differs in schema_version: 1, now 2" in capsys.readouterr().err


def test_sequences_of_several_lengths_are_batched_by_length(
    encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "BATCH", 2)
    (tmp_path / "in").mkdir()
    for number, height in enumerate((3, 3, 3, 5, 5, 3)):
        picture = Image.new("L", (4, height), 51 * number)
        (tmp_path / "in" / f"{number}.png").write_bytes(encoded(picture, "PNG"))
    assert encode(tmp_path / "in", "-o", tmp_path / "out", "--model=rows") == 0
    codings = parquet.read_table(tmp_path / "out")["coding"].to_pylist()
    np.testing.assert_allclose(codings, np.arange(6)[:, None] * np.full(4, 0.2), rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["in"], 2, "operation: expected denoise of photo, received encode"),
        (["--model=mirror", "nothing"], 2, "IN: expected at least one item, received nothing"),
        (["--model=mirror", "in", "a.npy"], 2, "IN: expected one .npy file, or pictures"),
        (["--model=mirror", "a.npy"], 2, "images: expected (batch, 4, 4), received (2, 5, 5)"),
        (["--model=mirror", "f.npy"], 2, "in C order, received float64 (4, 4) in Fortran order"),
        (["--model=mirror", "i.npy"], 2, "of floats or of uint8 pixels in C order, received int64"),
        (["--model=mirror", "bad.npy"], 2, "bad.npy: expected a .npy file, received"),
        (["--model=mirror", "none.npy"], 2, "none.npy: expected a file that can be read"),
        (["--model=mirror", "short.npy"], 2, "short.npy: expected (2, 4, 4), received a shorter"),
        (["--model=none", "in"], 2, "model: expected one of"),
    ],
)
def test_what_cannot_be_done_as_asked_is_explained(
    encode: Encode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SERVICE_DEFAULT_ENCODE", "photo")
    thumbnails(tmp_path / "in", 1)
    (tmp_path / "nothing").mkdir()
    np.save("a.npy", np.zeros((2, 5, 5)))
    np.save("f.npy", np.zeros((4, 4), order="F"))
    np.save("i.npy", np.zeros((2, 4, 4), np.int64))
    np.save("short.npy", np.zeros((2, 4, 4)))
    Path("short.npy").write_bytes(Path("short.npy").read_bytes()[:-1])
    Path("bad.npy").write_bytes(b"none")
    assert encode(*words, "-o", tmp_path / "out") == status
    assert told in capsys.readouterr().err
    assert not parts(tmp_path / "out")


def test_without_the_extra_it_is_named(
    encode: Encode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert encode("in", "-o", tmp_path / "out") == 1
    assert "expected the extra [parquet] to be installed" in capsys.readouterr().err
