"""Images and sequences of one's own from their files to the service: train, export, evaluate."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.inference.loader import load as load_model
from service.manifest import Manifest
from tests.training.page_text import Text
from training.cli import main
from training.fitting.record import TrainingRecord
from training.history import read as read_history
from training.own.results import read as read_results
from training.pixel_noise import NOISES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the:UserWarning"),  # eager, but for tf.data
]


@pytest.fixture(scope="module")
def workplace(eager: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of two classes and with sequences that lack some numbers."""
    folder = tmp_path_factory.mktemp("own")
    random = np.random.default_rng(0)
    for number in range(40):
        name = ("dark", "light")[number % 2]
        (folder / "pictures" / name).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 90, (20, 25, 3)) + (160 if name == "light" else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "pictures" / name / f"{number}.png")
    (folder / "pictures" / "dark" / "40.png").write_bytes(b"broken")
    waves = 300 + 5 * np.sin(np.arange(12) / 3 + random.uniform(0, 6, (40, 1)))
    sequences = np.stack([waves, np.gradient(waves, axis=1)], axis=2).astype(np.float32)
    sequences[::4, 5, 0] = np.nan
    np.save(folder / "waves.npy", sequences)
    return folder


def walk(folder: Path, recipe: str, name: str, *options: str) -> Manifest:
    """Train, export and evaluate a model, and return its manifest."""
    runs, models = ["--runs", str(folder / "runs")], ["--models", str(folder / "models")]
    main(["train", recipe, "--name", name, *options, *runs])
    main(["export", name, *runs, *models])
    main(["evaluate", name, *models])
    return Manifest.read(folder / "models" / name / "1")


def test_pictures_larger_than_memory_become_a_model_that_tells_their_classes(
    workplace: Path,
) -> None:
    manifest = walk(
        workplace, "convolutional", "textures", "--data", str(workplace / "pictures"),
        "--size", "20x12", "--fit", "crop", "--filters", "4,6", "--epochs", "2", "--memory", "1e-6",
        "--broken", "0.05",
    )  # fmt: skip
    assert TrainingRecord.read(workplace / "runs" / "textures").own["broken"] == 1
    assert manifest.provenance.dataset.endswith("to train on; 1 broken left out)")
    assert manifest.pixels
    assert manifest.pixels.mode == "RGB"
    operation = manifest.operations["encode"]
    assert operation.input.shape == ("batch", 12, 20, 3)
    assert operation.output.shape == ("batch", 3, 5, 6)
    figures = {(each.quantity, each.data): each.value for each in manifest.measurements}
    assert set(figures) == {
        ("mse", "4 validation images"),
        ("mse", "4 test images"),
        ("psnr", "4 test images"),
        ("ssim", "4 test images"),
        ("accuracy", "4 test images"),
    }
    assert figures["accuracy", "4 test images"] == 1
    assert figures["mse", "4 test images"] < 0.2
    rows = read_history(workplace / "runs" / "textures" / "whole" / "history.csv")
    assert rows[1]["loss"] < rows[0]["loss"]
    main(["report", "textures", "--runs", str(workplace / "runs")])
    text = Text.of(workplace / "runs" / "textures" / "report.html")
    shown = "".join(text.words.split("\n"))
    assert f"mean score, test{figures['mse', '4 test images']:.4g}" in shown
    names = {path.name for path in (workplace / "pictures").rglob("*.png")}
    named = shown.replace("dark/40.png", "", 1)
    assert named != shown  # in the note on what is broken
    assert sum(f"/{name}" in named for name in names) == 4  # those of the test part
    card = (workplace / "models" / "textures" / "1" / "README.md").read_text()
    assert "accuracy | 4 test images | clean | 5 nearest neighbours of the coding | 100.0%" in card


def test_series_of_several_lengths_become_a_model_that_pads_nothing_where_it_is_served(
    workplace: Path,
) -> None:
    random = np.random.default_rng(1)
    lines, lengths = ["part,force,travel"], random.integers(4, 9, 30).tolist()
    for part, length in enumerate(lengths):
        start = random.uniform(0, 6)
        lines += [
            f"p{part:02},{9 + np.sin(start + step):.4f},{step + start:.4f}"
            for step in range(length)
        ]
    (workplace / "presses.csv").write_text("\n".join(lines) + "\n")
    manifest = walk(
        workplace, "recurrent", "presses", "--data", str(workplace / "presses.csv"),
        "--series", "part", "--units", "6", "--coding", "3", "--epochs", "2",
    )  # fmt: skip
    assert manifest.rows
    assert manifest.rows.window is None
    assert [column.name for column in manifest.rows.columns] == ["force", "travel"]
    assert {each.data for each in manifest.measurements} == {
        "3 validation sequences", "3 test sequences",
    }  # fmt: skip
    results = read_results(workplace / "runs" / "presses", None)
    padded = results.test.items.take(slice(None))
    ends = [int((~np.isnan(item[:, 0])).sum()) for item in padded]
    assert len(set(ends)) > 1
    codings, restored = results.encode(padded), results.reconstruct(padded)
    model = load_model(workplace / "models" / "presses" / "1")
    for item, end, coding, reconstruction in zip(padded, ends, codings, restored, strict=True):
        served = model.infer("encode", item[np.newaxis, :end])
        np.testing.assert_allclose(served[0], coding, atol=1e-5)
        np.testing.assert_allclose(
            model.infer("reconstruct", item[np.newaxis, :end])[0], reconstruction[:end], rtol=1e-4
        )
        assert np.isnan(reconstruction[end:]).all()
    errors = [
        (((reconstruction - item) / [column.scale for column in manifest.rows.columns]) ** 2)[:end]
        for item, end, reconstruction in zip(padded, ends, restored, strict=True)
    ]
    mse = {each.data: each.value for each in manifest.measurements}
    expected = np.mean([each.mean() for each in errors])
    assert mse["3 test sequences"] == pytest.approx(expected, rel=1e-3)
    with pytest.raises(SystemExit, match="expected recurrent for sequences of several lengths"):
        walk(
            workplace, "stacked", "dense", "--data", str(workplace / "presses.csv"),
            "--series", "part",
        )  # fmt: skip


def test_sequences_with_gaps_become_a_model_of_any_length(workplace: Path) -> None:
    manifest = walk(
        workplace, "recurrent", "waves", "--data", str(workplace / "waves.npy"),
        "--kind", "sequences", "--columns", "height,slope", "--missing", "mask",
        "--units", "6", "--coding", "3", "--epochs", "2",
    )  # fmt: skip
    assert manifest.rows
    assert (manifest.rows.missing, manifest.rows.window) == (True, None)
    assert manifest.operations["encode"].input.shape == ("batch", "steps", 2)
    model = load_model(workplace / "models" / "waves" / "1")
    waves = np.load(workplace / "waves.npy")
    for rows in (waves[:3], waves[:2, :7]):
        reconstructed = model.infer("reconstruct", rows)
        assert reconstructed.shape == rows.shape
        assert np.abs(reconstructed[..., 0] - 300).max() < 15
    one_step_more = model.infer("decode", model.infer("encode", waves[:1]), steps=13)
    assert one_step_more.shape == (1, 13, 2)
    mse = {each.data: each.value for each in manifest.measurements}
    assert set(mse) == {"4 validation sequences", "4 test sequences"}
    assert all(0 < value < 2 for value in mse.values())


@pytest.mark.parametrize(("channels", "shape"), [("1", (9, 13)), ("3", (9, 13, 3))])
def test_a_convolutional_denoiser_restores_pictures_of_an_odd_size(
    tmp_path: Path, channels: str, shape: tuple[int, ...]
) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(40):
        corners = Image.fromarray(random.integers(0, 256, (2, 2, 3), np.uint8))
        corners.resize((13, 9)).save(tmp_path / "pictures" / f"{number}.png")
    manifest = walk(
        tmp_path, "denoising-convolutional", "shades", "--data", str(tmp_path / "pictures"),
        "--channels", channels, "--filters", "16", "--epochs", "6", "--batch-size", "8",
    )  # fmt: skip
    coding = 4 * int(channels)  # as many numbers as pixels, rounded up
    assert manifest.operations["encode"].output.shape == ("batch", 5, 7, coding)
    psnr = {
        (each.condition, each.method): each.value
        for each in manifest.measurements
        if each.quantity == "psnr"
    }
    for noise in NOISES:
        assert psnr[str(noise), "model"] > psnr[str(noise), "corrupted input"]
    model = load_model(tmp_path / "models" / "shades" / "1")
    images = read_results(tmp_path / "runs" / "shades", None).test.items.take(slice(None))
    assert images.shape == (4, *shape)
    noisy = NOISES[-1].corrupt(images, seed=0)
    restored = model.infer("denoise", noisy)
    assert np.square(restored - images).mean() < np.square(noisy - images).mean()
