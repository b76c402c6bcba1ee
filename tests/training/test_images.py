"""Images of any size become items of one size, split and labelled by their files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.api.codecs.image import read
from service.images.fit import Frame
from training.datasets import images
from training.datasets.description import describe
from training.datasets.items import DataSet
from training.datasets.look_alikes import perceptual_hash

RANDOM = np.random.default_rng(0)


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    coarse = Image.fromarray(RANDOM.integers(0, 256, (9, 9, 3), np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 pictures of two classes, 60x40 to 79x40."""
    for number in range(20):
        path = tmp_path / ("bark" if number < 12 else "leaf") / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        picture(60 + number, 40).save(path)
    return tmp_path


def load(path: Path, **changes: Any) -> DataSet:
    return images.load(describe(path, {"kind": "images", **changes}))


@pytest.mark.parametrize("fit", ["resize", "pad", "crop"])
def test_pictures_come_to_one_size(folder: Path, fit: str) -> None:
    data = load(folder, size="32x24", fit=fit)
    assert data.train.shape == (24, 32, 3)
    assert data.pixels
    assert (data.pixels.mode, data.pixels.scale) == ("RGB", 255)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [16, 2, 2]
    values = data.train.all()
    assert values.dtype == np.float32
    assert 0 <= values.min() < values.max() <= 1
    black = (values[:, :2] == 0).all(axis=(1, 2, 3))
    assert black.any() == (fit == "pad")  # above and below wide pictures
    frame = Frame("RGB", (24, 32), 100, data.pixels.fit)
    file = (folder / data.sources[3]).read_bytes()
    [served] = read([file], frame, fit=True, max_pixels=10_000)
    np.testing.assert_array_equal(data.train.array[3], served)
    labels = data.labels
    assert labels is not None
    assert labels.tolist() == ["bark"] * 12 + ["leaf"] * 8


def test_tiles_of_a_picture_are_in_one_part_and_keep_its_pixels(folder: Path) -> None:
    data = load(folder, size=20, fit="tile")
    counts = [2 * ((60 + number) // 20) for number in range(20)]
    parts = (data.train, data.validation, data.test)
    assert sum(len(part) for part in parts) == sum(counts)
    # In the order of paths: bark/0, bark/1, bark/10, ...
    order = sorted(range(12), key=str) + sorted(range(12, 20), key=str)
    files = np.repeat(order, [counts[number] for number in order])
    for part in parts[1:]:
        assert not set(files[part.indices]) & set(files[parts[0].indices])
    with Image.open(folder / "bark" / "0.png") as image:
        pixels = np.asarray(image)
    np.testing.assert_array_equal(data.train.array[0], pixels[:20, :20])
    np.testing.assert_array_equal(data.train.array[counts[0] - 1], pixels[20:, 40:60])


def test_pictures_that_are_smaller_than_a_tile_are_noted(folder: Path) -> None:
    data = load(folder, size="70x40", fit="tile")
    assert "10 of 20 images are smaller than a tile" in data.notes


def test_gray_is_kept_unless_colour_is_asked_for(tmp_path: Path) -> None:
    for number in range(9):
        picture(16, 16, "L").save(tmp_path / f"{number}.png")
    assert load(tmp_path).train.shape == (16, 16)
    assert load(tmp_path, channels=3).train.shape == (16, 16, 3)
    picture(16, 16).save(tmp_path / "colour.png")
    assert load(tmp_path).train.shape == (16, 16, 3)
    gray = load(tmp_path, channels=1)
    assert gray.pixels
    assert (gray.train.shape, gray.pixels.mode, gray.labels) == ((16, 16), "L", None)


def test_a_picture_on_its_side_is_tiled_upright(tmp_path: Path) -> None:
    for number in range(9):
        exif = Image.Exif()
        exif[0x0112] = 6
        picture(40, 20).save(tmp_path / f"{number}.jpg", exif=exif)
    data = load(tmp_path, size="20x40", fit="tile")
    assert len(data.train) == 6


def test_an_array_of_pixels_is_taken_as_it_is(tmp_path: Path) -> None:
    array = RANDOM.integers(0, 256, (20, 8, 6), np.uint8)
    np.save(tmp_path / "digits.npy", array)
    data = load(tmp_path / "digits.npy", size="6x8", channels=1)
    np.testing.assert_allclose(data.test.all(), array[data.test.indices] / 255, atol=1e-7)


def test_pictures_that_look_alike_in_two_parts_are_noted(folder: Path) -> None:
    assert not load(folder, size=32).notes
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as image:
            image.resize((50, 35)).save(path.with_suffix(".jpg"), quality=60)
    notes = " ".join(load(folder, size=32).notes)
    assert "images of the validation part look like one that is trained on" in notes


def test_a_perceptual_hash_changes_little_with_size_and_brightness() -> None:
    one, other = picture(200, 150), picture(200, 150)

    def bits(image: Image.Image, gain: float = 1.0) -> int:
        return perceptual_hash(np.asarray(image, np.float32) * np.float32(gain / 255))

    assert (bits(one) ^ bits(one.resize((70, 50)))).bit_count() <= 4
    assert (bits(one) ^ bits(one, 0.8)).bit_count() <= 4
    assert (bits(one) ^ bits(other)).bit_count() > 10


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, "size: expected one for the images of .*, which have 20 sizes, received none"),
        ({"size": "400x400", "fit": "tile"}, "expected at least 6 items to train on, received 0"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    folder: Path, changes: dict[str, Any], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        load(folder, **changes)


def test_a_file_that_is_no_image_is_named(folder: Path) -> None:
    (folder / "bark" / "broken.png").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"broken\.png: expected an image, received"):
        load(folder, size=32)


@pytest.mark.parametrize(
    ("array", "changes", "error"),
    [
        (np.zeros((9, 8, 8), np.float32), {}, r"expected uint8 \(images, height, width\) or"),
        (np.zeros((9, 8, 8, 2), np.uint8), {}, r"received uint8 \(9, 8, 8, 2\)"),
        (np.zeros((9, 8, 8), np.uint8), {"size": 9}, "size: expected 8x8, as .* has it, or none"),
        (np.zeros((9, 8, 8), np.uint8), {"channels": 3}, "channels: expected 1, as .* has them"),
    ],
)
def test_an_array_that_is_not_as_described_says_why(
    tmp_path: Path, array: Any, changes: dict[str, Any], error: str
) -> None:
    np.save(tmp_path / "images.npy", array)
    with pytest.raises(ValueError, match=error):
        load(tmp_path / "images.npy", **changes)


def test_what_is_transparent_is_black_as_the_service_has_it(tmp_path: Path) -> None:
    for number in range(9):
        image = picture(16, 16).convert("RGBA")
        image.putalpha(Image.linear_gradient("L").resize((16, 16)))
        image.save(tmp_path / f"{number}.png")
    data = load(tmp_path)
    [served] = read(
        [(tmp_path / "3.png").read_bytes()], Frame("RGB", (16, 16), 100), fit=True, max_pixels=256
    )
    np.testing.assert_array_equal(data.train.array[3], served)
    assert served[0].max() < 16 < 128 < served[-1].max()
