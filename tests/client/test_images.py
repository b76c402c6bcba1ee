"""Images to bodies of requests, without a service."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.client.images import read

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_pillow_image_is_sent_without_loss(mode: str) -> None:
    image = Image.fromarray(RNG.integers(0, 255, (5, 7, 3), np.uint8))
    image = image.convert("L").convert("I;16") if mode == "I;16" else image.convert(mode)
    image.info["icc_profile"] = b"a profile"
    image.getexif()[271] = "a camera"
    body = read(image)
    sent = Image.open(io.BytesIO(body.content))
    assert body.media_type == "image/png"
    np.testing.assert_array_equal(
        np.asarray(sent.convert("RGBA")), np.asarray(image.convert("RGBA"))
    )
    assert sent.info["icc_profile"] == b"a profile"
    assert sent.getexif()[271] == "a camera"


def test_a_mode_that_png_lacks_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"expected a mode of 1, L, .* received CMYK; convert it"):
        read(Image.new("CMYK", (2, 2)))


@pytest.mark.parametrize(
    ("shape", "is_single", "is_colour"),
    [
        ((5, 7), True, False),
        ((5, 7, 3), True, True),
        ((2, 5, 7), False, False),
        ((2, 5, 7, 3), False, True),
    ],
)
def test_a_single_array_gets_a_batch_axis(
    shape: tuple[int, ...], is_single: bool, is_colour: bool
) -> None:
    array = RNG.random(shape)
    body = read(array)
    sent = np.load(io.BytesIO(body.content))
    assert (body.is_single, body.is_colour_array) == (is_single, is_colour)
    assert sent.dtype == np.float32
    np.testing.assert_allclose(sent, array[np.newaxis] if is_single else array, rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "error", "told"),
    [
        (np.zeros(5), ValueError, r"expected \(height, width\), .* received \(5,\)"),
        (np.zeros((1, 1, 5, 5, 3)), ValueError, r"received \(1, 1, 5, 5, 3\)"),
        (np.zeros((5, 5), np.int64), ValueError, "expected uint8 pixels or floats, received int64"),
        ([[0.0]], TypeError, "expected a path, bytes, .* received list"),
        (None, TypeError, "received NoneType"),
        ("/no/such/file.jpg", FileNotFoundError, "No such file"),
    ],
)
def test_what_is_no_image_is_named(image: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        read(image)
