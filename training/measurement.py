"""Figures as a manifest keeps them, and the words that they go by."""

from typing import Literal

from service.manifest import Measurement

CLEAN = "clean"
"""The condition of images as they are."""
MODEL = "model"
"""The method of figures that say what the model itself does."""
TOLD = "model, told sigma"
"""The method of figures of a model that is told how strong the noise is."""
CORRUPTED = "corrupted input"
"""The method of figures that say how bad an image was before anything restored it."""


def measurement(
    quantity: Literal["mse", "psnr", "ssim", "share"],
    data: str,
    condition: str,
    method: str,
    value: float,
) -> Measurement:
    """Return a figure rounded to six decimals, a PSNR in dB; what each means, Measurement says."""
    return Measurement(
        quantity=quantity,
        data=data,
        condition=condition,
        method=method,
        value=round(value, 6),
        unit="dB" if quantity == "psnr" else "",
    )
