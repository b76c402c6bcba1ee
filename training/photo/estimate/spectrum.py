"""Local spectra of a photograph: how strong each frequency is, in luma and in colour.

Low frequencies are those of the photograph at a half and a quarter of its size: in JPEG files of
cameras, colour noise is mostly below 0.1 cycles a pixel.

White noise has the same strength in all of them, correlated noise less in the high ones, and
texture differs from place to place, as noise does not. The logarithm makes a change of the noise
level a shift of all numbers (noise estimation from such coefficients: Pyatykh, Hesser and Zheng,
2013, IEEE Transactions on Image Processing 22; from 4x4 transforms: Donoho and Johnstone, 1994).
"""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from scipy import fft

SIDE = 4
"""Pixels along a side of a transform; transforms do not overlap."""
PLACE = 8
"""Pixels along a side of a place, over which strengths are averaged."""
FREQUENCIES = 3 * (SIDE**2 - 1)
COARSE = 2, 4
"""How many times smaller photographs are for low frequencies; transforms of the last overlap."""
FEATURES = (2 + len(COARSE)) * FREQUENCIES + 3
"""Numbers of a place: two strengths of each frequency, one of low ones, and the mean colour."""
FLOOR = 0.2 / 255
"""Added to the strengths: rounding to 8 bits alone has 0.29 of 255."""
TYPICAL, MIDDLE = -4.0, 0.5
"""Subtracted from logarithms, -4 for a noise level of 5 on the scale of 0 to 255, and colours."""
OPPONENT = np.array([[1, 1, 1], [1, 0, -2], [1, -1, 1]], np.float32) / np.sqrt([3, 2, 6])
"""Orthonormal columns: luma, and two differences of colours (Ohta et al., 1980)."""


@keras.saving.register_keras_serializable("autoencoders")
class LocalSpectrum(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Turns images (batch, height, width, 3) in [0, 1] into (batch, height / 8, width / 8, 183).

    Height and width are multiples of 8. Each place has, for each frequency of the cosine transforms
    in it, the logarithms of the root mean square and of the mean magnitude, which differ more where
    few pixels stand out; those of the magnitude of each frequency at a half and a quarter of the
    size; and the mean colour. Nothing of it is trained.
    """

    def build(self, _: Any) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(SIDE, SIDE, 3, FREQUENCIES),
            initializer=lambda *_, **__: ops.convert_to_tensor(transform()),
            trainable=False,
        )
        super().build(_)

    def call(self, images: Any) -> Any:
        strengths = ops.conv(images, self.kernel, SIDE)
        power = ops.average_pool(ops.square(strengths), PLACE // SIDE, PLACE // SIDE)
        magnitude = ops.average_pool(ops.abs(strengths), PLACE // SIDE, PLACE // SIDE)
        colour = ops.average_pool(images, PLACE, PLACE)
        logarithms = ops.concatenate(
            [
                0.5 * ops.log(power + FLOOR**2),
                ops.log(magnitude + FLOOR),
                *(self._coarse(images, scale) for scale in COARSE),
            ],
            -1,
        )
        return ops.concatenate([logarithms - TYPICAL, colour - MIDDLE], -1)

    def _coarse(self, images: Any, scale: int) -> Any:
        """Logarithms of the magnitudes at a fraction of the size, one transform for each place."""
        small = ops.average_pool(images, scale, scale)
        step = PLACE // scale
        if around := (SIDE - step) // 2:
            small = ops.pad(small, ((0, 0), (around, around), (around, around), (0, 0)), "reflect")
        strengths = ops.conv(small, self.kernel, step)
        return ops.log(ops.abs(strengths) + FLOOR / scale)


def transform() -> NDArray[np.float32]:
    """Return the kernel (4, 4, 3, 45) of the cosine transform of luma and colours, but means."""
    basis = fft.dct(np.eye(SIDE), norm="ortho", axis=0)
    waves = np.einsum("uy,vx->yxuv", basis, basis).reshape(SIDE, SIDE, SIDE**2)[..., 1:]
    kernel = np.einsum("yxf,co->yxcof", waves, OPPONENT)
    reshaped: NDArray[np.float32] = kernel.reshape(SIDE, SIDE, 3, FREQUENCIES).astype(np.float32)
    return reshaped
