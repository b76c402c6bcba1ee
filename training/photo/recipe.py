"""The denoiser of photographs as it is trained: what to build and how to fit it."""

from training.autoencoders.photo import PhotoConfig
from training.photo.estimate.fit import EstimatorSettings
from training.photo.estimate.network import EstimatorConfig
from training.photo.settings import PhotoFitSettings

SUMMARY = "A residual U-Net, trained to remove the noise of photographs of any size"
CONFIG = PhotoConfig()
FIT = PhotoFitSettings()
CONTINUED = PhotoFitSettings(
    steps=40_000, learning_rate=3e-4, sizes=(128, 192, 256), shares=(0.6, 0.2, 0.2)
)
"""From the weights of an exported denoiser, whose training had small patches."""
ESTIMATOR = EstimatorConfig()
ESTIMATOR_FIT = EstimatorSettings()
HELD_OUT = 20
"""Every n-th photograph is validated with, where there are no others for it."""
