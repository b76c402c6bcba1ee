"""Figures are real pictures of what the models do and of how they were trained."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from service.inference.loader import load
from tests.training.pca import SAMPLES, Pca
from training.datasets import fashion_mnist
from training.fashion import figures
from training.pixel_noise import Floats, Noise

# The threads of t-SNE spin while they wait for each other, for minutes where the machine is busy.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

DATA = fashion_mnist.load(SAMPLES)
PCA = Pca(DATA.train)
DEAD = Noise("dead pixels", 0.5)
LIGHT, HEAVY = Noise("gaussian", 0.1), Noise("gaussian", 0.4)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1, user_api="openmp"):
        yield


def pixels(path: Path) -> Floats:
    """Return a PNG's pixels (height, width, colour) in [0, 1], after a look that it is no blank."""
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    picture: Floats = matplotlib.image.imread(path)[:, :, :3]
    assert min(picture.shape[:2]) > 300
    assert 0.01 < np.mean(picture.min(axis=2) < 0.9) < 0.9, "expected ink on white"
    return picture


def write_history(folder: Path, losses: list[float], *, epochs: list[int] | None = None) -> None:
    folder.mkdir(parents=True)
    lines = ["epoch,loss,mse,val_loss,val_mse"]
    lines += [
        f"{epoch},{loss},{loss},{loss / 2},{loss / 2}"
        for epoch, loss in zip(epochs or range(len(losses)), losses, strict=True)
    ]
    (folder / "history.csv").write_text("\n".join(lines) + "\n")


def test_reconstructions_have_a_row_for_each_model(tmp_path: Path) -> None:
    one, two = load(PCA.write(tmp_path, "one")), load(PCA.write(tmp_path, "two"))
    alone = pixels(figures.reconstructions([one], DATA.test, tmp_path / "alone.png"))
    both = pixels(figures.reconstructions([one, two], DATA.test, tmp_path / "both.png"))
    assert both.shape[0] - alone.shape[0] == pytest.approx(alone.shape[0] / 3, rel=0.25)


def test_reconstructions_show_the_model_and_not_the_originals(tmp_path: Path) -> None:
    coarse = load(Pca(DATA.train, components=2).write(tmp_path / "coarse", "pca"))
    fine = load(Pca(DATA.train, components=64).write(tmp_path / "fine", "pca"))
    drawn = [
        pixels(figures.reconstructions([model], DATA.test, tmp_path / f"{number}.png"))
        for number, model in enumerate((coarse, fine))
    ]
    height = drawn[0].shape[0]
    changed = np.abs(drawn[0] - drawn[1]).max(axis=(1, 2)) > 0.2
    assert not changed[: height // 2].any()
    assert changed[height // 2 :].sum() > height / 5


def test_a_noise_is_drawn_and_what_the_denoiser_makes_of_it(tmp_path: Path) -> None:
    model = load(PCA.write(tmp_path, "pca", denoises=True))
    light = pixels(figures.denoising(model, DATA.test, [LIGHT], tmp_path / "a.png"))
    heavy = pixels(figures.denoising(model, DATA.test, [HEAVY], tmp_path / "b.png"))
    third = light.shape[0] // 3
    assert heavy[third : 2 * third].mean() < light[third : 2 * third].mean() - 0.03
    both = pixels(figures.denoising(model, DATA.test, [LIGHT, HEAVY], tmp_path / "c.png"))
    assert both.shape[0] > 1.4 * light.shape[0]


def test_the_sparsity_loss_is_drawn_for_its_target(tmp_path: Path) -> None:
    tenth = pixels(figures.sparsity_loss(tmp_path / "tenth.png"))
    half = pixels(figures.sparsity_loss(tmp_path / "half.png", target=0.5))
    assert tenth.shape == half.shape
    assert np.mean(np.abs(tenth - half) > 0.2) > 0.005


def test_histograms_differ_for_sparse_and_dense_activations(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    dense = random.random((50, 30)).astype(np.float32)
    drawn = [
        pixels(figures.activations(codings, "sigmoid", tmp_path / f"{number}.png"))
        for number, codings in enumerate((dense, dense**6))
    ]
    assert np.mean(np.abs(drawn[0] - drawn[1]) > 0.2) > 0.02


def test_the_map_of_codings_is_in_colour_and_the_same_each_time(tmp_path: Path) -> None:
    model = load(PCA.write(tmp_path, "stacked"))
    data = replace(DATA, validation=DATA.validation[:30])
    data = replace(data, validation_labels=DATA.validation_labels[:30])
    first = pixels(figures.tsne(model, data, tmp_path / "first.png"))
    assert np.mean(np.ptp(first, axis=2) > 0.3) > 0.005
    np.testing.assert_array_equal(pixels(figures.tsne(model, data, tmp_path / "next.png")), first)


def test_an_epoch_that_was_run_again_is_drawn_once(tmp_path: Path) -> None:
    write_history(tmp_path / "a" / "run" / "phase-1", [0.3, 0.2, 0.1])
    write_history(tmp_path / "b" / "run" / "phase-1", [0.3, 0.9, 0.2, 0.1], epochs=[0, 1, 1, 2])
    drawn = [
        figures.greedy_training(tmp_path / side / "run", tmp_path / f"{side}.png")
        for side in ("a", "b")
    ]
    np.testing.assert_array_equal(pixels(drawn[0]), pixels(drawn[1]))


def test_greedy_training_has_a_curve_for_each_phase_there_is(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_history(run / "phase-1", [0.3, 0.2])
    write_history(run / "phase-2", [0.2, 0.15])
    two = pixels(figures.greedy_training(run, tmp_path / "two.png"))
    write_history(run / "fine-tuning", [0.1, 0.08])
    three = pixels(figures.greedy_training(run, tmp_path / "three.png"))
    assert three.shape[1] == pytest.approx(two.shape[1] * 3 / 2, abs=2)


def test_everything_is_drawn_that_the_models_and_runs_allow(tmp_path: Path) -> None:
    models, runs, folder = tmp_path / "models", tmp_path / "runs", tmp_path / "drawn" / "here"
    served = [
        load(PCA.write(models, "stacked")),
        load(PCA.write(models, "denoising", denoises=True)),
        load(PCA.write(models, "sparse", sigmoid=True)),
    ]
    write_history(runs / "layerwise" / "phase-1", [0.3, 0.2])
    write_history(runs / "stacked" / "whole", [0.3, 0.2])
    drawn = list(
        figures.draw(served, runs, DATA, folder, noises={"denoising": [DEAD], "other": [DEAD]})
    )
    assert {path.name for path in drawn} == {
        "codings-tsne.png",
        "denoising.png",
        "layerwise-training.png",
        "reconstructions.png",
        "sparse-activations.png",
        "sparsity-loss.png",
    }
    assert set(drawn) == set(folder.iterdir())
    for path in drawn:
        pixels(path)


def test_without_models_and_runs_only_the_sparsity_loss_is_drawn(tmp_path: Path) -> None:
    drawn = figures.draw([], tmp_path / "runs", DATA, tmp_path, noises={})
    assert [path.name for path in drawn] == ["sparsity-loss.png"]
