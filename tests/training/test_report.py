"""Reports on models whose every number can be computed beside them."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.page_text import Text
from tests.training.reported import of_images, of_rows, write
from training.pixel_noise import Noise
from training.report import figures
from training.report.measure import measure, spread
from training.results import read_losses


def test_missing_numbers_are_left_out_and_columns_are_in_standard_deviations() -> None:
    results = of_rows()
    measured = measure(results)
    heat, mode = sorted(figures.columns(results, measured), key=lambda each: each.name)
    known = results.test.items.take(slice(None))
    expected = np.nanmean(((known[:, 0] - 300) / 5) ** 2)
    assert heat.score == pytest.approx(expected, rel=1e-4)
    one_hot = ((known[:, 1:] - [0.4, 0.6]) ** 2).mean()
    assert mode.score == pytest.approx(one_hot, rel=1e-4)


@pytest.mark.slow
def test_a_report_on_images_needs_nothing_beside_itself(tmp_path: Path) -> None:
    noises = (Noise("gaussian", 0.4), Noise("dead pixels", 0.5))
    path = write(of_images(noises=noises), tmp_path / "run" / "report.html")
    text = Text.of(path)
    assert text.headings == [
        "Losses", "Reconstructions", "The worst", "Denoising", "Errors", "Codings", "Training",
    ]  # fmt: skip
    assert all(each.startswith(("data:image/", "#")) for each in text.sources)
    # Ten samples and the ten worst: original, reconstruction, error; six noisy and denoised, twice.
    assert len(text.images) == 20 * 3 + 2 * 12
    assert len(set(text.images)) > 60
    assert "http:" not in path.read_text().replace("http://www.w3.org/", "")
    assert "<script" not in path.read_text()
    assert "2 images are <b>large</b>." in text.words  # as text, not as markup
    assert "best: 0.12, epoch 2" in text.words
    assert ["components", "16"] in [[cell.strip() for cell in row] for row in text.rows]
    assert "map of the codings of 40 items" in text.figures
    # Each point says its name and class, and each thumbnail twice: of its frame and its image.
    assert text.words.count("a/item 39 · ") in (1, 3)
    assert path.stat().st_size < 1_000_000
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


@pytest.mark.slow
def test_a_report_on_a_table_has_each_value_beside_its_reconstruction(tmp_path: Path) -> None:
    results = of_rows()
    text = Text.of(write(results, tmp_path / "report.html"))
    lines = [[cell.strip() for cell in row] for row in text.rows]
    heat = next(row for row in lines if row[0] == "heat $a$" and len(row) == 11)
    mode = next(row for row in lines if row[0] == "mode" and len(row) == 11)
    values = results.test.items.take(spread(30, 10))
    assert heat[1] == f"{values[0, 0]:.4g} 300"
    assert heat[2] == "missing 300"
    assert mode[1] == f"{('idle', 'run')[int(values[0, 2])]} run"
    assert not [each for each in text.sources if each.startswith("data:image/webp")]


@pytest.mark.slow
def test_a_report_on_sequences_draws_each_of_them(tmp_path: Path) -> None:
    text = Text.of(write(of_rows(steps=7), tmp_path / "report.html"))
    drawn = [each for each in text.figures if each.endswith("and its reconstruction")]
    assert len(drawn) == 20
    assert drawn[0] == "a/item 0 and its reconstruction"
    assert "heat $a$" in text.words


def test_phases_are_read_in_the_order_of_training(tmp_path: Path) -> None:
    for name in ("whole", "fine-tuning", "phase-2", "phase-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "history.csv").write_text(
            "epoch,loss,mse,val_loss,val_mse\n0,0.1,0.1,0.1,0.1\n"
        )
    assert list(read_losses(tmp_path)) == ["phase 1", "phase 2", "fine tuning", "whole"]
