"""Each recipe builds a model of any shape of the data that it is for."""

import numpy as np
import pytest

from training.datasets.description import Kind
from training.own.item import Item
from training.own.options import Options
from training.own.recipes import FOR, RECIPES, recipe

pytestmark = pytest.mark.slow

SHAPES: dict[Kind, list[tuple[int, ...]]] = {
    "table": [(1,), (13,)],
    "sequences": [(17, 3)],
    "images": [(8, 8), (20, 15, 3)],
}
CASES = [
    (name, kind, shape) for name, kinds in FOR.items() for kind in kinds for shape in SHAPES[kind]
]


def item(kind: Kind, shape: tuple[int | None, ...], *, masks: bool = False) -> Item:
    return Item(kind, shape, masks=masks, count=100)


@pytest.mark.parametrize(("name", "kind", "shape"), CASES)
def test_reconstructions_have_the_shape_of_their_items(
    name: str, kind: Kind, shape: tuple[int, ...]
) -> None:
    autoencoder = recipe(name, item(kind, shape), Options()).build(1)
    items = np.random.default_rng(0).random((2, *shape), np.float32)
    codings = autoencoder.encoder(items)
    decoded = np.asarray(autoencoder.decoder(codings))
    assert decoded.shape == items.shape
    np.testing.assert_allclose(decoded, np.asarray(autoencoder.whole(items)), atol=1e-6)


@pytest.mark.parametrize("name", RECIPES)
def test_codings_and_activations_can_be_chosen(name: str) -> None:
    shape = (16, 16)
    options = Options(coding=5, activation=None if name == "recurrent" else "relu")
    autoencoder = recipe(name, item("images", shape), options).build(1)
    assert autoencoder.encoder.output_shape[-1] == 5
    used = {getattr(layer, "activation", None) for layer in autoencoder.encoder.layers}
    names = {getattr(each, "__name__", "") for each in used}
    assert ("relu" in names) == (name != "recurrent")


def test_convolutional_levels_follow_the_size_or_are_chosen() -> None:
    def filters(shape: tuple[int, ...], chosen: tuple[int, ...] | None = None) -> list[int]:
        built = recipe("convolutional", item("images", shape), Options(filters=chosen)).build(1)
        return [each.filters for each in built.encoder.layers if hasattr(each, "filters")]

    assert filters((28, 28)) == [16, 32, 64]
    assert filters((64, 48, 3)) == [16, 32, 64, 128]
    assert filters((9, 30), (4, 8, 12)) == [4, 8, 12]
    with pytest.raises(ValueError, match="filters: expected 1 to 3 numbers for images of 30x9"):
        filters((9, 30), (4, 4, 4, 4))


def test_sequences_of_any_length_are_taken_by_recurrent_models() -> None:
    built = recipe("recurrent", item("sequences", (None, 3)), Options(units=(8,))).build(1)
    assert built.encoder.input_shape == (None, None, 3)
    assert len(built.decoder.inputs) == 2


def test_layers_of_the_same_width_have_names_of_their_own() -> None:
    built = recipe("stacked", item("table", (9,)), Options(units=(8, 8, 4))).build(1)
    assert built.encoder.output_shape == (None, 4)
    assert built.decoder.output_shape == (None, 9)


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("convolutional", Options(units=(8,)), "--units: expected no such option for convolution"),
        ("stacked", Options(filters=(8,)), "--filters: expected no such option for stacked"),
        ("recurrent", Options(units=(8, 4)), "--units: expected one number for recurrent"),
        ("recurrent", Options(activation="relu"), "--activation: expected no such option for"),
        ("sparse-l1", Options(units=(8,)), "--units: expected two numbers for sparse-l1"),
        ("stacked", Options(units=(8, 4), coding=3), "--coding: expected 4, the last of --units"),
        ("sparse-kl", Options(units=(8, 4), coding=3), "--coding: expected 4, the last of --units"),
        ("stacked", Options(fine_tuning=False), "expected a model that is trained layer by layer"),
    ],
)
def test_options_that_a_recipe_has_no_use_for_are_refused(
    name: str, options: Options, error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        recipe(name, item("images", (16, 16)), options)


def test_options_change_how_every_phase_is_fitted() -> None:
    options = Options(epochs=3, batch_size=7, learning_rate=0.5, patience=2)
    made = recipe("stacked-layerwise", item("table", (9,), masks=True), options)
    for settings in (made.fit, made.greedy):
        assert settings
        assert (settings.epochs, settings.batch_size, settings.patience) == (3, 7, 2)
        assert (settings.learning_rate, settings.loss) == (0.5, "masked mse")


def test_recipes_for_other_data_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one of stacked, .*sparse-kl for table, received"):
        recipe("recurrent", item("table", (9,)), Options())
