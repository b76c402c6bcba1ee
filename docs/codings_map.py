"""Write the map of codings that the page shows: `python -m docs.codings_map`.

The codings of test images by `stacked`, a byte for each number, and where t-SNE puts each of them.
"""

import argparse
import base64
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from service.inference.loader import load, newest
from training.datasets import fashion_mnist
from training.fashion.evaluate import encode
from training.pixel_noise import Floats

ROOT = Path(__file__).parents[1]
FILE = ROOT / "service" / "playground" / "codings" / "map.json"
MODEL = "stacked"
IMAGES = 600
LEVELS = 255


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of Fashion-MNIST's four files")
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    model = load(newest(ROOT / "models")[MODEL])
    data = fashion_mnist.load(options.data)
    codings = encode(model, data.test[:IMAGES])
    drawn = described(codings, data.test_labels[:IMAGES])
    document = {"model": model.name, "version": model.version, **drawn}
    options.out.write_text(json.dumps(document) + "\n")


def described(codings: Floats, labels: NDArray[np.uint8]) -> dict[str, object]:
    """Return the map as JSON has it.

    Args:
        codings: float32 (images, numbers).
        labels: The class of each image, uint8 (images,).

    Returns:
        `classes`, their names; `labels`, one of these for each image; `low` and `high`, the range
        of each number; and in base64 `codings`, uint8 (images, numbers) within that range, and
        `places`, uint8 (images, 2), x and y from 0 to 255.
    """
    low, high = codings.min(axis=0), codings.max(axis=0)
    perplexity = min(30.0, (len(codings) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=42).fit_transform(codings)
    return {
        "classes": list(fashion_mnist.CLASSES),
        "labels": labels.tolist(),
        "low": [round(float(each), 4) for each in low],
        "high": [round(float(each), 4) for each in high],
        "codings": _packed(codings, low, high),
        "places": _packed(places, places.min(axis=0), places.max(axis=0)),
    }


def _packed(values: NDArray[np.float32], low: Floats, high: Floats) -> str:
    """Return values as bytes from 0 at `low` to 255 at `high`, in base64."""
    span = np.where(high > low, high - low, 1)
    scaled = np.rint((values - low) / span * LEVELS).astype(np.uint8)
    return base64.b64encode(scaled.tobytes()).decode()


if __name__ == "__main__":
    main()
