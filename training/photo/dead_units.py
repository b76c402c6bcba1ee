"""Units of a network with ReLU that nothing activates: they do nothing, and learn nothing.

Trained long, whole blocks of the denoiser ended so (Lu et al., 2019, arXiv 1903.06733, on networks
that begin so). A leaky ReLU would pass on what is left of their kernels, which is not made for it.
"""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.photo.noise.profile import UNKNOWN, UNKNOWN_SIGMA
from training.photo.validation import Validation

FIRST, SECOND = "a", "b"
"""How the names of the convolutions before and after a ReLU end."""
CROPS = 4
"""Of each kind of noise."""

Dead = dict[str, NDArray[np.bool_]]
"""For each block, by its name, which of its hidden units are dead."""


def dead(model: keras.Model, validation: Validation) -> Dead:
    """Return which hidden units of a denoiser no noisy crop activates, told the noise or blind."""
    blocks = [
        layer.name.removesuffix(FIRST)
        for layer in model.layers
        if layer.name.startswith(("encoder", "decoder")) and layer.name.endswith(FIRST)
    ]
    hidden = keras.Model(model.inputs, [model.get_layer(block + FIRST).output for block in blocks])
    never = {block: np.array(True) for block in blocks}
    for inputs in _inputs(validation):
        for block, values in zip(blocks, hidden.predict_on_batch(inputs), strict=True):
            never[block] = never[block] & (np.max(values, axis=(0, 1, 2)) <= 0)
    return never


def draw_anew(model: keras.Model, dead: Dead) -> None:
    """Give units initial kernels, and those that follow them none, so that they add nothing yet."""
    for block, units in dead.items():
        first, second = (model.get_layer(block + end) for end in (FIRST, SECOND))
        kernel, bias = first.get_weights()
        initial = np.array(keras.ops.convert_to_numpy(first.kernel_initializer(kernel.shape)))
        first.set_weights([np.where(units, initial, kernel), np.where(units, 0, bias)])
        kernel, bias = second.get_weights()
        second.set_weights([np.where(units[:, None], 0, kernel), bias])


def _inputs(validation: Validation) -> Any:
    for each in validation.conditions.values():
        noisy, sigma, profile = (
            values[:CROPS] for values in (each.noisy, each.sigma, each.profile)
        )
        yield [noisy, sigma, profile]
        yield [noisy, np.full_like(sigma, UNKNOWN_SIGMA), np.tile(UNKNOWN, (len(noisy), 1))]
