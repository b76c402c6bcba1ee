"""Measurements in a manifest, and the names of their conditions and methods."""

from collections.abc import Mapping

from service.manifest import Measurement, Quantity, Unit

UNITS: Mapping[Quantity, Unit] = {
    "psnr": "dB",
    "worst psnr": "dB",
    "rms": "levels",
    "mean shift": "levels",
    "largest shift": "levels",
    "sigma": "levels",
}
"""Of the quantities that have a unit; a level is one of 255."""

CLEAN = "clean"
"""Condition: images without noise."""
PAIRS = "noise of real cameras"
"""Condition: photographs of real cameras, whose clean images are means of many."""
MODEL = "model"
"""Method: the model, blind."""
WITH_SIGMA = "model, told sigma"
"""Method: the model, with the noise level given."""
CONSTANT_SIGMA = "model, told the best constant sigma"
"""Method: the model, with the one noise level of a few that restores all the images best."""
CORRUPTED = "corrupted input"
"""Method: none, the noisy image itself."""


def measurement(
    quantity: Quantity,
    data: str,
    condition: str,
    method: str,
    value: float,
) -> Measurement:
    """Return a measurement, its value rounded to six decimals, in the unit of its quantity."""
    return Measurement(
        quantity=quantity,
        data=data,
        condition=condition,
        method=method,
        value=round(value, 6),
        unit=UNITS.get(quantity, ""),
    )
