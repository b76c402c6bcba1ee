"""Many photographs through either client."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from service.client import Client, Result, errors, images, several
from service.client.several import named
from service.images import formats
from tests.client.conftest import Connect


@pytest.fixture
def folder(tmp_path: Path, example: Path) -> Path:
    """Photographs in a folder and one below, among other files."""
    (tmp_path / "below" / ".hidden").mkdir(parents=True)
    for name in ("a.jpg", "b.JPEG", "below/c.jpg", "below/.hidden/d.jpg", ".e.jpg", "f.txt"):
        shutil.copy(example, tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def test_a_folder_is_denoised_and_what_fails_is_told_beside(client: Any, folder: Path) -> None:
    outcomes = dict(client.denoise_many(folder, region=(0, 0, 32, 32)))
    assert outcomes.keys() == {"a.jpg", "b.JPEG", "below/c.jpg", "broken.png"}
    assert isinstance(outcomes.pop("broken.png"), errors.UnsupportedMediaType)
    for result in outcomes.values():
        assert isinstance(result, Result)
        assert result.image().size == (32, 32)


def test_files_keep_the_names_they_are_given_by(client: Any, folder: Path) -> None:
    given = [str(folder / "a.jpg"), folder / "missing.jpg"]
    outcomes = dict(client.denoise_many(given, format="webp"))
    assert outcomes[str(folder / "a.jpg")].media_type == "image/webp"
    assert isinstance(outcomes[str(folder / "missing.jpg")], FileNotFoundError)
    assert [name for name, _ in client.denoise_many(folder / "a.jpg")] == [str(folder / "a.jpg")]
    with pytest.raises(FileNotFoundError, match=r"expected a folder or files, received .*none"):
        list(client.denoise_many(folder / "none"))


@pytest.mark.parametrize("at_once", [0, -1, 0.5, None])
def test_no_request_at_a_time_is_refused(connect: Connect, folder: Path, at_once: Any) -> None:
    client = connect("http://127.0.0.1:1")
    with pytest.raises(ValueError, match=f"at_once: expected a whole number .*received {at_once}"):
        list(client.denoise_many(folder, at_once=at_once))


def test_a_folder_s_pictures_are_those_of_every_format_that_is_read() -> None:
    assert sorted(several.SUFFIXES) == sorted(formats.SUFFIXES)


def test_a_wrong_option_is_no_outcome(client: Any, folder: Path) -> None:
    with pytest.raises(TypeError, match="received 'sgima'"):
        list(client.denoise_many(folder, sgima=3))


def test_no_more_requests_are_on_their_way_than_asked_for(
    connect: Connect, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, here, most = threading.Lock(), 0, 0
    read = images.read

    def counting(image: Any) -> Any:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        return read(image)

    monkeypatch.setattr(images, "read", counting)
    for _, outcome in connect(url).denoise_many([folder / "a.jpg"] * 12, at_once=3):
        assert isinstance(outcome, Result)
        with lock:
            here -= 1
    assert most <= 3


def test_who_stops_early_waits_for_no_others(url: str, folder: Path) -> None:
    with Client(url) as client:
        names = client.denoise_many([folder / "a.jpg"] * 50, at_once=2)
        assert next(names)[0] == str(folder / "a.jpg")
        names.close()  # type: ignore[attr-defined]


def test_names_come_in_order_and_only_as_they_are_asked_for(folder: Path) -> None:
    def endless() -> Any:
        while True:
            yield "x.png"

    several = named(endless())
    assert next(several) == ("x.png", Path("x.png"))
    assert [name for name, _ in named(folder)] == ["a.jpg", "b.JPEG", "below/c.jpg", "broken.png"]
