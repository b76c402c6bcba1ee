"""Hidden units of the denoiser's blocks that are below zero at every pixel of noisy crops.

After a ReLU such a unit does nothing and learns nothing (Lu et al., 2019, arXiv 1903.06733), and
whole blocks of the denoiser ended so. Under a leaky ReLU their leftover kernels would suddenly
reach the output: a training that starts from such a network replaces them.
"""

from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from training.photo.noise.profile import UNKNOWN, UNKNOWN_SIGMA
from training.photo.noise.types import Floats
from training.photo.validation import Validation

FIRST, SECOND = "a", "b"
"""How the names of the convolutions before and after a ReLU end."""
CROPS = 4
"""Of each kind of noise."""

DeadUnits = dict[str, NDArray[np.bool_]]
"""For each block, by its name, which of its hidden units are dead."""


def find_dead(model: keras.Model, validation: Validation) -> DeadUnits:
    """Return which hidden units of a denoiser no noisy crop activates, told the noise or blind."""
    firsts = [
        layer
        for layer in model.layers
        if layer.name.startswith(("encoder", "decoder")) and layer.name.endswith(FIRST)
    ]
    hidden = keras.Model(model.inputs, [layer.output for layer in firsts])
    found = {layer.name.removesuffix(FIRST): np.full(layer.filters, True) for layer in firsts}
    for inputs in _inputs(validation):
        for layer, values in zip(firsts, hidden.predict_on_batch(inputs), strict=True):
            axes = (0, 2, 3) if layer.data_format == "channels_first" else (0, 1, 2)
            found[layer.name.removesuffix(FIRST)] &= np.max(values, axis=axes) <= 0
    return found


def share(units: DeadUnits) -> float:
    """Return how many of all units are dead, 0 to 1."""
    return float(np.mean(np.concatenate(list(units.values()))))


def draw_anew(model: keras.Model, units: DeadUnits) -> None:
    """Give dead units initial kernels, and the next convolution no weight on them yet."""
    for block, is_dead in units.items():
        first, second = (model.get_layer(block + end) for end in (FIRST, SECOND))
        kernel, bias = first.get_weights()
        initial = np.array(keras.ops.convert_to_numpy(first.kernel_initializer(kernel.shape)))
        first.set_weights([np.where(is_dead, initial, kernel), np.where(is_dead, 0, bias)])
        kernel, bias = second.get_weights()
        second.set_weights([np.where(is_dead[:, None], 0, kernel), bias])


def _inputs(validation: Validation) -> Iterator[list[Floats]]:
    for each in validation.conditions.values():
        noisy, sigma, profile = (
            values[:CROPS] for values in (each.noisy, each.sigma, each.profile)
        )
        yield [noisy, sigma, profile]
        yield [noisy, np.full_like(sigma, UNKNOWN_SIGMA), np.tile(UNKNOWN, (len(noisy), 1))]
