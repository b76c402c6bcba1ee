"""Pictures of the one size that a tiny model takes."""

import numpy as np
from PIL import Image

from tests.service.photograph_files import encoded

PIXELS = (np.arange(16, dtype=np.uint8) * 16).reshape(4, 4)
PNG = {"Content-Type": "image/png"}
GRAY = encoded(Image.fromarray(PIXELS), "PNG")
