"""Measurements in a manifest, and the names of their conditions and methods."""

from typing import Literal

from service.manifest import Measurement

CLEAN = "clean"
"""Condition: images without noise."""
MODEL = "model"
"""Method: the model, blind."""
WITH_SIGMA = "model, told sigma"
"""Method: the model, with the noise level given."""
CORRUPTED = "corrupted input"
"""Method: none, the noisy image itself."""


def measurement(
    quantity: Literal["mse", "psnr", "ssim", "share"],
    data: str,
    condition: str,
    method: str,
    value: float,
) -> Measurement:
    """Return a measurement, its value rounded to six decimals, in dB for a PSNR."""
    return Measurement(
        quantity=quantity,
        data=data,
        condition=condition,
        method=method,
        value=round(value, 6),
        unit="dB" if quantity == "psnr" else "",
    )
