"""The architectures that experiments compare, by the names of their recipes."""

from training.fashion.recipes import RECIPES

TOO_LARGE = "denoising-convolutional"
"""Its coding has as many numbers as an image has pixels, which is no reduction."""
ARCHITECTURES = tuple(name for name in RECIPES if name != TOO_LARGE)
