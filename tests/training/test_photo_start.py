"""A training of the denoiser starts from what an exported one computes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from service.inference.loader import load
from service.settings import SHIPPED_MODELS as MODELS
from training.autoencoders.photo import Computation, PhotoConfig, build
from training.datasets import photos
from training.photo import recipe
from training.photo.fit import DenoiserPlan
from training.photo.noise.profile import UNKNOWN, WHITE
from training.photo.start import Start
from training.photo.validation import Validation

PHOTO = MODELS / "photo" / "1"
"""A narrower network than the recipe's, of an earlier kind."""
WIDER = replace(recipe.CONFIG, leak=0)
"""The recipe's network, with the ReLU of that."""
IMAGES = np.random.default_rng(0).random((2, 40, 32, 3), np.float32)

pytestmark = pytest.mark.usefixtures("eager")


def denoised(model: keras.Model, sigma: float) -> Any:
    levels = np.full(len(IMAGES), sigma, np.float32)
    return model.predict_on_batch([IMAGES, levels, np.tile(UNKNOWN, (len(IMAGES), 1))])


def started(config: PhotoConfig = WIDER, validation: Any = None) -> keras.Model:
    images: Any = None
    plan = DenoiserPlan(config, recipe.CONTINUED, Computation(), Start(PHOTO))
    return plan.task(images, 0, validation, 1).build()


@pytest.mark.parametrize("sigma", [-1, 0, 25])
def test_a_wider_network_starts_as_the_exported_one(sigma: float) -> None:
    session = load(PHOTO).batchers["denoise"].session
    expected = session.run(IMAGES, None, None if sigma < 0 else sigma, None)
    np.testing.assert_allclose(denoised(started(), sigma), expected, atol=1e-5)


def test_all_that_is_wider_is_trained() -> None:
    model = started()
    before = [np.array(each) for each in model.trainable_variables]
    model.compile(keras.optimizers.SGD(1.0), "mae")
    clean = np.zeros_like(IMAGES)
    known = [np.full(2, 25, np.float32), np.tile(WHITE, (2, 1))]
    for _ in range(2):  # what follows a channel learns first, then what makes it
        model.train_on_batch([IMAGES, *known], clean)
    for earlier, variable in zip(before, model.trainable_variables, strict=True):
        changed = np.asarray(variable) != earlier
        inputs, outputs = changed.shape[-2:] if changed.ndim > 1 else (1, len(changed))
        corner = changed.reshape(-1, inputs, outputs)[:, inputs // 2 :, outputs // 2 :]
        assert corner.any(), variable.path


def test_blocks_that_nothing_activates_are_drawn_anew_for_another_relu(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    model = started(recipe.CONFIG, Validation.of(photos.folder(tmp_path), size=32))
    same = started()
    for block, width in (("encoder0_0", 48), ("encoder2_0", 96), ("encoder2_1", 96)):
        second = model.get_layer(f"{block}b").get_weights()[0][..., :width, :width]
        kept = second.any((0, 1, 3))
        assert np.mean(kept) > 0.9 if width == 48 else np.mean(kept) < 0.1, block
        first, loaded = (
            each.get_layer(f"{block}a").get_weights()[0][..., :width] for each in (model, same)
        )
        np.testing.assert_array_equal((first == loaded).all((0, 1, 2)), kept)


def test_what_it_starts_from_tells_a_training_from_another() -> None:
    start = Start(PHOTO)
    assert str(start).startswith("photo 1 (sha256 6b9b56303730")
    plan = DenoiserPlan(recipe.CONFIG, recipe.CONTINUED, Computation(), start)
    assert f"from the weights of {start}" in plan.settings
    assert "from random weights" in replace(plan, start=None).settings


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        (
            PhotoConfig((48, 96, 90), (2, 2, 4)),
            r"encoder2_level: expected weights of at most \(64, 90\), ",
        ),
        (
            PhotoConfig((48, 96), (2, 2)),
            r"expected layers of the network, received \['decoder1_0a', ",
        ),
        (PhotoConfig((48, 96, 160), (2, 2, 5)), "expected weights of encoder2_4a, received none"),
    ],
)
def test_a_network_that_cannot_hold_it_is_named(config: PhotoConfig, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Start(PHOTO).load(build(config, seed=1))


def test_a_folder_without_a_denoiser_of_photographs_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"stacked.*: expected a denoiser of photographs"):
        Start(MODELS / "stacked" / "1")
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        Start(tmp_path)
