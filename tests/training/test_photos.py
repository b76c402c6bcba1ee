"""Photographs of a folder are found, told apart, decoded upright, and held out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.datasets import photos
from training.datasets.photos import Folder, decode, open_image


def test_decoded_photographs_are_those_of_the_files(photographs: Folder, tmp_path: Path) -> None:
    decoded = decode(photographs, tmp_path / "photos.bin", at_least=261)
    expected = [open_image(path) for path in photographs.paths[1:]]  # the first is 260 wide
    assert decoded.sizes == tuple(each.shape[:2] for each in expected)
    assert decoded.pixels == sum(each.size // 3 for each in expected)
    for received, wanted in zip(decoded.arrays(), expected, strict=True):
        np.testing.assert_array_equal(received, wanted)


def test_photographs_that_are_too_small_or_none_at_all_are_told(
    photographs: Folder, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="at least 300 x 300 pixels, received 4 smaller ones"):
        decode(photographs, tmp_path / "photos.bin", at_least=300)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(FileNotFoundError, match="expected a folder with images"):
        photos.folder(tmp_path / "empty")
    (tmp_path / "empty" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png: expected an image"):
        decode(photos.folder(tmp_path / "empty"), tmp_path / "photos.bin", at_least=1)


def test_hidden_files_and_folders_are_skipped(photographs: Folder, tmp_path: Path) -> None:
    root = tmp_path / ".photos"  # only names below the folder count
    for name in ("a.png", "trip/b.PNG"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(photographs.paths[0].read_bytes())
    for name in ("._a.png", "trip/._b.PNG", ".thumbnails/a.png", ".git/x/b.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"\0\5\x16\7")  # as macOS begins its files
    found = photos.folder(root)
    assert [path.relative_to(root).as_posix() for path in found.paths] == ["a.png", "trip/b.PNG"]
    assert len(decode(found, tmp_path / "photos.bin", at_least=1)) == 2


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")  # Pillow's
@pytest.mark.parametrize("suffix", sorted(photos.SUFFIXES - {".jpeg", ".tiff"}))
def test_a_damaged_file_is_decoded_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    random = np.random.default_rng(0)
    path = tmp_path / f"photo{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(random.integers(0, 256, (40, 30, 3), np.uint8))
    picture.save(path, exif=exif)
    content = path.read_bytes()
    errors = []
    for attempt in range(60):
        damaged = bytearray(content)
        if attempt % 3:
            for place in random.integers(0, min(len(damaged), 200), attempt % 5 + 1):
                damaged[place] = random.integers(256)
        else:
            del damaged[random.integers(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            assert open_image(path).shape[2] == 3
        except ValueError as error:
            errors.append(str(error))
    assert len(errors) > 8
    assert all(error.startswith(f"{path}: expected an image, received: ") for error in errors)


def test_a_photograph_is_turned_upright_and_made_colour(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter to the right
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(tmp_path / "a.png", exif=exif)
    pixels = open_image(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels[..., 0], [[3, 0], [4, 1], [5, 2]])
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_gray_of_16_bits_is_rounded_to_8(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(np.array([[0, 128, 129], [300, 25_700, 65_535]], np.uint16)).save(path)
    pixels = open_image(path)
    assert pixels.dtype == np.uint8
    for band in range(3):
        np.testing.assert_array_equal(pixels[..., band], [[0, 0, 1], [1, 100, 255]])


def test_an_image_of_too_many_pixels_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 49)
    with pytest.raises(ValueError, match=r"bomb\.png: expected an image, received: Image size"):
        open_image(tmp_path / "bomb.png")


def test_the_middle_is_as_far_from_opposite_edges_and_a_short_side_stays_whole() -> None:
    rows, columns = np.mgrid[:5, :8].astype(np.uint8)
    picture = np.stack([rows, columns, rows], axis=-1)
    np.testing.assert_array_equal(photos.middle(picture, 4), picture[:4, 2:6])
    np.testing.assert_array_equal(photos.middle(picture, 6), picture[:, 1:7])


def test_held_out_photographs_are_the_same_each_time_and_not_trained_on(
    photographs: Folder,
) -> None:
    kept, held_out = photographs.split(3)
    assert [path.name for path in held_out.paths] == ["0.png", "3.png"]
    assert [path.name for path in kept.paths] == ["1.png", "2.png"]
    with pytest.raises(FileNotFoundError):
        photographs.split(1)


def test_the_digest_is_of_names_and_sizes(photographs: Folder, tmp_path: Path) -> None:
    def copy(folder: Path, names: str) -> str:
        folder.mkdir()
        for path, name in zip(photographs.paths, names, strict=True):
            (folder / f"{name}.png").write_bytes(path.read_bytes())
        return photos.folder(folder).digest()

    assert copy(tmp_path / "same", "0123") == photographs.digest()
    assert copy(tmp_path / "other", "0124") != photographs.digest()
