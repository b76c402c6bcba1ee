"""The denoiser of photographs as it is trained: what to build and how to fit it."""

from training.autoencoders.photo import PhotoConfig
from training.photo.estimate.fit import EstimatorSettings
from training.photo.estimate.network import EstimatorConfig
from training.photo.settings import PhotoFitSettings

SUMMARY = "A residual U-Net, trained to remove the noise of photographs of any size"
CONFIG = PhotoConfig()
FIT = PhotoFitSettings()
ESTIMATOR = EstimatorConfig()
ESTIMATOR_FIT = EstimatorSettings()
HELD_OUT = 20
"""Every n-th photograph is validated with, where there are no others for it."""
