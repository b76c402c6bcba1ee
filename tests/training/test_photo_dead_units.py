"""Units that no noisy crop activates are found, and drawn anew without a change of the output."""

from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from training.autoencoders.photo import Computation, PhotoConfig, build
from training.datasets.photos import Folder, folder
from training.photo import recipe
from training.photo.dead_units import draw_anew, find_dead
from training.photo.fit import DenoiserPlan
from training.photo.noise.profile import WHITE
from training.photo.validation import Validation

CONFIG = PhotoConfig((8, 8), (1, 2), leak=0)
BLOCK, UNITS = "encoder1_0", [2, 5]
PIXELS = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)


@pytest.fixture(params=["channels_last", "channels_first"])
def model(request: pytest.FixtureRequest) -> keras.Model:
    """A network with two dead units, and a last layer that lets all others count."""
    model = build(CONFIG, seed=1, computation=Computation(data_format=request.param))
    first, noise = model.get_layer(f"{BLOCK}a"), model.get_layer("noise")
    kernel, bias = first.get_weights()
    kernel[..., UNITS], bias[UNITS] = 0.01, -1000
    first.set_weights([kernel, bias])
    noise.set_weights(
        [np.random.default_rng(1).normal(0, 0.1, each.shape) for each in noise.get_weights()]
    )
    return model


@pytest.fixture
def validation(tmp_path_factory: pytest.TempPathFactory) -> Validation:
    root = tmp_path_factory.mktemp("photographs")
    for index in range(3):
        pixels = np.random.default_rng(index).integers(0, 256, (48, 48, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{index}.png")
    images: Folder = folder(root)
    return Validation.of(images, size=32)


def denoised(model: keras.Model) -> Any:
    return model.predict_on_batch([PIXELS, np.full(2, 25, np.float32), np.tile(WHITE, (2, 1))])


def test_units_that_nothing_activates_are_found(model: keras.Model, validation: Validation) -> None:
    found = find_dead(model, validation)
    assert sorted(found) == ["decoder0_0", "encoder0_0", "encoder1_0", "encoder1_1"]
    assert found[BLOCK].nonzero()[0].tolist() == UNITS
    assert not any(units.any() for name, units in found.items() if name != BLOCK)


def test_they_are_drawn_anew_and_change_nothing(model: keras.Model, validation: Validation) -> None:
    expected = denoised(model)
    before = [each.get_weights() for each in model.layers]
    draw_anew(model, find_dead(model, validation))
    np.testing.assert_allclose(denoised(model), expected, atol=1e-6)
    assert not any(units.any() for units in find_dead(model, validation).values())
    for layer, earlier in zip(model.layers, before, strict=True):
        for values, old in zip(layer.get_weights(), earlier, strict=True):
            changed = np.argwhere(values != old)
            if layer.name == f"{BLOCK}a":  # kernel (..., units) or bias (units)
                assert set(changed[:, -1]) == set(UNITS)
            elif layer.name == f"{BLOCK}b" and values.ndim > 1:  # kernel (..., units, outputs)
                assert set(changed[:, -2]) == set(UNITS)
            else:
                assert not len(changed)


def test_a_validation_shows_the_share_of_units_that_nothing_activates(
    model: keras.Model, validation: Validation
) -> None:
    images: Any = None
    plan = DenoiserPlan(CONFIG, recipe.CONTINUED, Computation())
    measured = plan.task(images, 0, validation, 1).validate(model)
    assert measured["dead"] == pytest.approx(2 / (8 + 2 * 8 + 8), abs=0.001)
    assert measured["white25"] == validation.measure(model)["white25"]
