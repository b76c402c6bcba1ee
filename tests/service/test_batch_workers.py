"""What a process of a cluster does of `denoise` and `encode`, without the cluster."""

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from service.cli import main
from service.errors import StartupError
from service.files import streamed
from service.files.codings.encoder import Encoder
from service.files.codings.encoder import Options as Reading
from service.files.codings.inputs import Inputs, Shard
from service.files.codings.part_files import Origin
from service.files.codings.run import Run
from service.files.denoise import Options
from service.images.formats import READ_ALL
from service.inference.device import CPU, Execution
from service.inference.loader import load
from service.inference.tiling.controls import Controls
from service.ray import batch_denoise, batch_encode
from tests.service.command_files import files, folder_in
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
    digests = [each.sha256 for each in load(photo).manifest.operations.values()]
    return lambda options=DENOISING: batch_denoise.Worker(photo, Execution(), options, digests)


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
    run = Run(tmp_path / "out", "npz", 4, origin, inputs.listing(), READING, CPU)
    worker = batch_encode.Worker(folder, Execution(), run)
    shards: list[Shard] = pickle.loads(pickle.dumps(list(run.left(inputs, {1}))))
    parts = list(worker(shards))
    assert [(part.number, part.encoded) for part in parts] == [(0, 4), (2, 2)]
    one = replace(run, output=tmp_path / "one")
    for shard in shards:
        one.write(Encoder(model, READING), shard)
    for name in files(tmp_path / "one"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    (tmp_path / "file").write_bytes(b"")
    nowhere = replace(run, output=tmp_path / "file" / "out")
    (part,) = batch_encode.Worker(folder, Execution(), nowhere)(shards[:1])
    assert part.problem.startswith("expected to write")


def test_a_machine_with_another_model_is_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="expected the same model on every machine"):
        batch_denoise.Worker(photo, Execution(), DENOISING, ["another"])
    folder = write_model(tmp_path / "models", "mirror")
    (tmp_path / "a.png").write_bytes(encoded(Image.new("L", (4, 4)), "PNG"))
    listing = Inputs([str(tmp_path / "a.png")], tmp_path).listing()
    sha256 = load(folder).manifest.operations["encode"].sha256
    for digest, provider in (("another", CPU), (sha256, "CUDAExecutionProvider")):
        origin = Origin("mirror", 1, digest, (16,))
        run = Run(tmp_path, "npz", 4, origin, listing, READING, provider)
        with pytest.raises(StartupError, match=f"expected {digest} on {provider} on every machine"):
            batch_encode.Worker(folder, Execution(), run)
    assert batch_encode.provider(folder, Execution()) == CPU


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


@pytest.mark.parametrize("share", ["1.5", "-1", "x"])
def test_a_share_of_a_gpu_is_a_fraction_or_whole(
    share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["denoise", "a", "-o", "b", f"--gpus-per-actor={share}"])
    assert "expected a whole number or a fraction from 0 to 1" in capsys.readouterr().err
