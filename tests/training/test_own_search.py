"""Settings are searched by trials that are kept, and the best of them is trained."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from training.cli import main
from training.fitting.recipe import Recipe
from training.own.item import Item
from training.own.options import Options
from training.own.recipes import RECIPES, recipe
from training.own.space import changed, space

TABLE = Item("table", (12,), masks=False, count=100)
IMAGES = Item("images", (32, 32, 3), masks=False, count=100)
SEQUENCES = Item("sequences", (20, 2), masks=False, count=100)


def layers(made: Recipe) -> str:
    keras.utils.clear_session()  # layers are numbered from 1
    whole: str = made.build(1).whole.to_json()
    return whole


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_setting_that_is_searched_changes_the_model_as_the_option_would(name: str) -> None:
    item = SEQUENCES if name == "recurrent" else IMAGES
    choices = space(name, item, Options(), recipe(name, item, Options()))
    assert {"learning_rate", "width", "coding"} <= {each.name for each in choices}
    defaults = {each.name: each.default for each in choices}
    made = recipe(name, item, changed(name, item, Options(), defaults))
    # One rate is for all phases, of which those before fine-tuning have another one by default.
    rate = Options(learning_rate=defaults["learning_rate"])
    as_it_is = recipe(name, item, rate if name == "stacked-layerwise" else Options())
    assert str(made) == str(as_it_is)
    assert layers(made) == layers(as_it_is)
    other = {**defaults, "width": defaults["width"] * 2, "coding": defaults["coding"] // 2}
    wider = recipe(name, item, changed(name, item, Options(), other)).build(1)
    assert wider.encoder.output_shape[-1] == defaults["coding"] // 2


@pytest.mark.parametrize(
    ("name", "coding"), [("convolutional", 16), ("denoising-convolutional", 3 * 4**2)]
)
def test_a_coding_is_searched_around_that_of_the_levels_that_are_set(
    name: str, coding: int
) -> None:
    options = Options(filters=(8, 16))
    choices = space(name, IMAGES, options, recipe(name, IMAGES, options))
    assert [each.name for each in choices] == ["learning_rate", "activation", "coding"]
    made = changed(name, IMAGES, options, {each.name: each.default for each in choices})
    assert (made.filters, made.coding) == ((8, 16), coding)
    assert layers(recipe(name, IMAGES, made)) == layers(recipe(name, IMAGES, options))


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (Options(coding=2), ["learning_rate", "activation", "width"]),
        (Options(units=(9, 2), activation="relu"), ["learning_rate"]),
        (Options(units=(9, 2), learning_rate=0.1), ["activation"]),
    ],
)
def test_what_the_user_sets_is_not_searched(options: Options, left: list[str]) -> None:
    choices = space("stacked", TABLE, options, recipe("stacked", TABLE, options))
    assert [each.name for each in choices] == left
    chosen = changed("stacked", TABLE, options, {each.name: each.default for each in choices})
    if options.coding:
        assert chosen.units
        assert chosen.units[-1] == options.coding


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 80 rows of four columns that follow two numbers."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(80, 2)) @ random.normal(size=(2, 4))
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    lines = [",".join(f"{value:.4f}" for value in row) for row in rows]
    path.write_text("\n".join(["a,b,c,d", *lines]) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the:UserWarning")
def test_a_search_that_was_stopped_goes_on_and_finds_the_same(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    quick = ["--data", str(table), "--epochs", "1", "--coding", "2", "--activation", "tanh"]

    def search(runs: str, trials: int) -> tuple[list[str], dict[str, object]]:
        where = ["--runs", str(tmp_path / runs), "--trials", str(trials)]
        main(["train", "stacked", "--name", "rows", *quick, *where])
        lines = capsys.readouterr().out.splitlines()
        record = json.loads((tmp_path / runs / "rows" / "training.json").read_text())
        return [line for line in lines if line.startswith("trial ")], record

    whole, record = search("whole", 3)
    assert [line.split(":")[0] for line in whole] == [f"trial {n} of 3" for n in (1, 2, 3)]
    found = record["own"]["search"]  # type: ignore[index]
    errors = [float(line.split(": ")[1].split(",")[0]) for line in whole]
    assert found["validation_mse"] == pytest.approx(min(errors), abs=1e-5)
    assert found["space"] == {
        "learning_rate": "0.001 to 0.032, logarithmic", "width": "4 to 16, logarithmic",
    }  # fmt: skip
    assert f"a learning rate up to {found['best']['learning_rate']:g}" in record["settings"]  # type: ignore[operator]
    first, _ = search("parts", 2)
    rest, continued = search("parts", 3)
    # The training of the best of two makes room for that of the best of three.
    assert [line.split(" of ")[1].split(": ")[1] for line in [*first, *rest]] == [
        line.split(" of ")[1].split(": ")[1] for line in whole
    ]
    assert continued["own"] == record["own"]
    again, _ = search("parts", 3)
    assert again == []
    plain = ["--runs", str(tmp_path / "plain")]
    main(["train", "stacked", "--name", "rows", *quick, *plain])
    with pytest.raises(SystemExit, match="expected trials, or nothing, received a training with"):
        main(["train", "stacked", "--name", "rows", *quick, *plain, "--trials", "3"])
    for other in (["--seed", "7"], ["--split-seed", "7"]):
        words = [*quick, "--trials", "3", "--runs", str(tmp_path / "parts"), *other]
        with pytest.raises(SystemExit, match="expected trials of the same recipe, data, seed and"):
            main(["train", "stacked", "--name", "rows", *words])
