"""What a process of a cluster does of `denoise` and `encode`, without the cluster."""

import itertools
import pickle
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.cli import main
from service.errors import StartupError
from service.files import streamed
from service.files.codings import encoder
from service.files.codings.encoder import Encoder
from service.files.codings.encoder import Options as Reading
from service.files.codings.inputs import Inputs, Picture, Rows, Shard
from service.files.codings.npy_file import NpyFile
from service.files.codings.part_files import Origin
from service.files.codings.run import Run
from service.files.denoise import Options
from service.files.objects import Object
from service.images.decode import decode
from service.images.formats import READ_ALL
from service.inference.device import CPU, Execution
from service.inference.loader import load
from service.inference.tiling.controls import Controls
from service.manifest import Manifest
from service.ray import batch_denoise, batch_encode, pool
from service.ray.batch_arguments import Actors
from service.ray.batch_model import BatchModel, contract_of, provider
from service.ray.cluster import shortage
from tests.service.command_files import FILES, files, folder_in
from tests.service.photograph_files import encoded
from tests.service.tiny import write_model

DENOISING = Options(
    sigma=None,
    controls=Controls(),
    quality=None,
    max_pixels=10_000,
    policy=READ_ALL,
    overwrite=False,
)
READING = Reading(fit=False, max_pixels=10_000, longest=64, policy=READ_ALL)

Make = Callable[..., batch_denoise.Worker]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models", "photo")


@pytest.fixture
def denoiser(photo: Path) -> Make:
    return lambda options=DENOISING: batch_denoise.Worker(described(photo), options)


def described(folder: Path) -> BatchModel:
    """The model of a folder, as this process runs it."""
    model = load(folder)
    return BatchModel(folder, Execution(), contract_of(model.manifest), model.provider)


def test_photographs_are_those_of_one_machine_and_none_is_done_twice(
    denoiser: Make, tmp_path: Path
) -> None:
    folder = folder_in(tmp_path / "in")
    (folder / "bad.png").write_bytes(b"none")
    flags = [f"--models={tmp_path / 'models'}", "--device=cpu"]
    assert main(["denoise", str(folder), "-o", str(tmp_path / "one"), *flags]) == 1
    planned = streamed.plan(
        [str(folder)], str(tmp_path / "out"), media_type=None, overwrite=False, resume=False
    )
    jobs = pickle.loads(pickle.dumps(list(planned.jobs)))
    first = {line["source"]: line for line in denoiser()(jobs)}
    assert {line["status"] for line in first.values()} == {"written", "failed"}
    assert first[str(folder / "bad.png")]["problem"].startswith("picture: Another format")
    for name in files(tmp_path / "one"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    (tmp_path / "out" / "a.png").write_bytes(b"of an attempt before")
    again = {line["source"]: line["status"] for line in denoiser()(jobs)}
    assert again == {source: line["status"] for source, line in first.items()}
    assert (tmp_path / "out" / "a.png").read_bytes() == b"of an attempt before"
    denoiser(replace(DENOISING, overwrite=True))(jobs)
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "one" / "a.png").read_bytes()


def test_parts_are_those_of_one_machine_and_a_shard_that_fails_is_told(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models", "mirror")
    (tmp_path / "in").mkdir()
    for number in range(10):
        picture = Image.new("L", (4, 4), number)
        (tmp_path / "in" / f"{number}.png").write_bytes(encoded(picture, "PNG"))
    inputs = Inputs([str(tmp_path / "in")], tmp_path / "out")
    model = load(folder)
    origin = Origin("mirror", 1, model.manifest.operations["encode"].sha256, (16,))
    run = Run(tmp_path / "out", "npz", 4, origin, {}, inputs.listing(4), READING, CPU)
    worker = batch_encode.Worker(described(folder), run, cpus=1)
    shards: list[Shard] = pickle.loads(pickle.dumps(list(run.remaining(inputs, {1}))))
    parts = list(worker(shards))
    assert [(part.number, part.encoded) for part in parts] == [(0, 4), (2, 2)]
    one = replace(run, output=tmp_path / "one")
    for shard in shards:
        one.write(Encoder(model, READING), shard)
    for name in files(tmp_path / "one"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    (tmp_path / "file").write_bytes(b"")
    nowhere = replace(run, output=tmp_path / "file" / "out")
    (part,) = batch_encode.Worker(described(folder), nowhere, cpus=1)(shards[:1])
    assert part.problem.startswith("expected to write")


def test_an_actor_decodes_as_many_pictures_at_a_time_as_it_has_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_model(tmp_path / "models", "mirror")
    (tmp_path / "in").mkdir()
    body = encoded(Image.new("L", (4, 4)), "PNG")
    for number in range(16):
        (tmp_path / "in" / f"{number}.png").write_bytes(body)
    inputs = Inputs([str(tmp_path / "in")], tmp_path / "out")
    sha256 = load(folder).manifest.operations["encode"].sha256
    origin = Origin("mirror", 1, sha256, (16,))
    run = Run(tmp_path / "out", "npz", 16, origin, {}, inputs.listing(16), READING, CPU)
    running, most = Counter[str](), 0

    def slow(*given: Any, **named: Any) -> Any:
        nonlocal most
        running["decode"] += 1
        most = max(most, running["decode"])
        time.sleep(0.01)
        try:
            return decode(*given, **named)
        finally:
            running["decode"] -= 1

    monkeypatch.setattr(encoder, "decode", slow)
    monkeypatch.setattr(encoder, "usable_cpus", lambda: 8)  # of the machine
    worker = batch_encode.Worker(described(folder), run, cpus=2)
    (part,) = worker(run.remaining(inputs, set()))
    assert (part.encoded, part.failed, most) == (16, 0, 2)


def test_a_machine_with_another_model_or_another_provider_is_refused(
    photo: Path, tmp_path: Path
) -> None:
    sound = described(photo)
    assert sound.load().provider == sound.provider == provider(photo, Execution()) == CPU
    with pytest.raises(StartupError, match="expected the same model on every machine"):
        batch_denoise.Worker(replace(sound, contract={}), DENOISING)
    manifest = Manifest.read(photo)
    assert manifest.pixels
    brighter = manifest.pixels.model_copy(update={"scale": 127.5})
    manifest.model_copy(update={"pixels": brighter}).write(photo)
    with pytest.raises(StartupError, match="expected the same model on every machine"):
        sound.load()
    manifest.write(photo)
    with pytest.raises(StartupError, match=f"expected CUDAExec.* on every machine, received {CPU}"):
        batch_denoise.Worker(replace(sound, provider="CUDAExecutionProvider"), DENOISING)


def test_files_whose_names_show_once_they_are_read_are_told_as_on_one_machine(
    denoiser: Make, tmp_path: Path
) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.png").write_bytes(FILES["turned.jpg"])  # becomes {name}.png.jpg
    planned = streamed.plan([str(folder)], str(output), media_type=None, overwrite=False)
    jobs = list(planned.jobs)

    def attempt(options: Options = DENOISING) -> list[tuple[str, str]]:
        copies = pickle.loads(pickle.dumps(jobs))
        return [(Path(line["source"]).name, line["status"]) for line in denoiser(options)(copies)]

    output.mkdir()
    (output / "b.png.jpg").write_bytes(b"of somebody else")
    assert attempt() == [("a.png", "written"), ("b.png", "failed")]
    assert attempt() == [("a.png", "written"), ("b.png", "failed")]  # an attempt before has died
    resumed = replace(DENOISING, resume=True)
    assert attempt(resumed) == [("a.png", "written before"), ("b.png", "written before")]
    assert (output / "b.png.jpg").read_bytes() == b"of somebody else"
    faulty = [replace(job, fault="expected a new file") for job in jobs]
    (output / "a.png").write_bytes(b"")
    assert [line["status"] for line in denoiser()(faulty)] == ["failed", "failed"]


def test_what_reading_a_photograph_warns_of_is_in_its_line(denoiser: Make, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(FILES["inks.jpeg"][:-100])
    planned = streamed.plan(
        [str(tmp_path / "in")], str(tmp_path / "out"), media_type=None, overwrite=False
    )
    policy = replace(READ_ALL, reads_truncated=True)
    (line,) = denoiser(replace(DENOISING, policy=policy))(planned.jobs)
    assert line["status"] == "written"
    assert "truncated" in line["warning"]


def test_files_of_a_shard_are_named_from_the_root_on_and_signed_urls_stay_whole() -> None:
    array = NpyFile(Object.parse("https://host/a.npy?signature=x"), (2,), np.dtype("uint8"), 128)
    rows = Shard(0, Rows(array, 0, 2), "")
    assert batch_encode.absolute(rows) == rows
    near = Rows(replace(array, source=Path("a.npy")), 0, 2)
    assert batch_encode.absolute(replace(rows, items=near)).items == replace(
        near, file=replace(array, source=Path.cwd() / "a.npy")
    )
    pictures = (Picture("a", Path("a.png"), ""), Picture("b", Object.parse("s3://b/b.png"), ""))
    expected = (replace(pictures[0], source=Path.cwd() / "a.png"), pictures[1])
    assert batch_encode.absolute(Shard(0, pictures, "")) == Shard(0, expected, "")


def test_a_cluster_without_a_machine_for_an_actor_is_told() -> None:
    machines = [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 64.0}, {"memory": 1.0}]
    assert shortage(Actors("", None, 8, 0.5), machines) == ""
    assert shortage(Actors("", None, 64, 0), machines) == ""
    assert "machines with 0 and 0, 8 and 1, 64 and 0; waiting" in shortage(
        Actors("", None, 9, 1), machines
    )
    assert "received machines with none" in shortage(Actors("", None, 1, 0), [])


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["denoise", "-", "-o", "out.png"], 2, "expected paths that all machines share or URLs"),
        (["denoise", "in", "-o", "in", "--overwrite"], 1, "expected the extra [ray]"),
        (["encode", "in", "-o", "out", "--model=mirror"], 1, "expected the extra [ray]"),
    ],
)
def test_what_a_cluster_cannot_do_is_explained(
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    told: str,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "models", "mirror")
    folder_in(tmp_path / "in")
    assert main([*words, "--ray", "--models=models", "--device=cpu"]) == status
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("share", ["1.5", "-1", "x", "inf", "nan"])
def test_a_share_of_a_gpu_is_a_fraction_or_whole(
    share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["denoise", "a", "-o", "b", f"--gpus-per-actor={share}"])
    assert "expected a whole number or a fraction from 0 to 1" in capsys.readouterr().err


def test_the_driver_holds_a_bounded_number_of_items() -> None:
    class Piece:
        def __init__(self, items: int) -> None:
            self.items = items

        def __len__(self) -> int:
            return self.items

    def work() -> Iterator[Any]:
        for taken in itertools.count():
            yield Piece(pool.ITEMS // 2)
            assert taken < 5

    found = itertools.islice(pool.windows(work()), 2)
    assert [len(window) for window in found] == [2, 2]
    assert [len(each) for each in pool.windows(range(2 * pool.WINDOW + 1))] == [pool.WINDOW] * 2 + [
        1
    ]
    assert [len(each) for each in pool.windows([Piece(2 * pool.ITEMS)] * 2)] == [1, 1]
    assert list(pool.windows([])) == []
