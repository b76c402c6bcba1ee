"""Names that clients give become safe on every system, and unique."""

import os
from pathlib import Path

import pytest

from service.api.archive.names import Names
from service.images.formats import JPEG, PNG, TIFF


def named(*sources: str, media_type: str = PNG, has_folders: bool = True) -> list[str]:
    names = Names("manifest.json", has_folders=has_folders)
    return [names.take(source, media_type) for source in sources]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a.png", "a.png"),
        ("A.PNG", "A.PNG"),
        ("a.jpeg", "a.png"),
        ("a", "a.png"),
        ("v1.2 (copy)", "v1.2 (copy).png"),
        ("", "photograph.png"),
        ("..", "photograph.png"),
        (".png", "png.png"),
        ("../../etc/a.png", "etc/a.png"),
        ("/etc/./a.png", "etc/a.png"),
        ("C:\\x\\a.png", "x/a.png"),
        ("C:a.png", "C_a.png"),
        ("f /a. .png", "f/a. .png"),
        ('a<>:"|?*.png', "a_______.png"),
        ("a\nb\x7f\x85\x9b.png", "a_b___.png"),
        ("a\u202egnp.jpg\u200f\u061c\u2066.png", "a_gnp.jpg___.png"),
        ("a\u200bb\ufeff\u2028.png", "a_b__.png"),
        ("half \ud83d.png", "half _.png"),
        ("family \U0001f469\u200d\U0001f467.png", "family \U0001f469\u200d\U0001f467.png"),
        ("-rf.png", "_-rf.png"),
        ("--help/-a.png", "_--help/_-a.png"),
        ("con.png", "_con.png"),
        ("CONIN$", "_CONIN$.png"),
        ("conout$.tar.png", "_conout$.tar.png"),
        ("com¹.png", "_com¹.png"),
        ("lpt0 .png", "_lpt0 .png"),
        ("nul/contact.png", "_nul/contact.png"),
        ("x" * 300 + ".png", "x" * 196 + ".png"),
        ("é" * 300 + ".png", "é" * 98 + ".png"),
        ("x" * 200 + ".-" + "y" * 194 + ".png", "_-" + "y" * 194 + ".png"),
        ("f/" * 30 + "a.png", "f/" * 15 + "a.png"),
    ],
)
def test_a_name_becomes_safe(source: str, name: str) -> None:
    assert named(source) == [name]
    name.encode()


def test_the_suffix_is_one_of_the_format() -> None:
    assert named("a.jpeg", "b.JPG", "c.jfif", media_type=JPEG) == ["a.jpeg", "b.JPG", "c.jpg"]
    assert named("a.tiff", "a.dng", media_type=TIFF) == ["a.tiff", "a.tif"]


def test_folders_become_a_part_of_the_name_where_there_are_none() -> None:
    assert named("../a/b.png", "a_b.png", has_folders=False) == ["a_b.png", "a_b-2.png"]


@pytest.mark.parametrize(
    "sources",
    [
        ["a.png", "A.png", "a.PNG", "a-2.png"],
        ["é.png", "e\u0301.png", "É.png"],
        ["a.png", "a.png/b.png", "A.PNG/b.png", "a.png-2"],
        ["a.png/b.png", "a.png", "A.png"],
        ["a/b.png/c.png", "a/b.png", "a.png", "a"],
        ["manifest.json/a.png", "Manifest.JSON/a.png", "manifest.json"],
        ["x/y", "x/y.png/z", "x/y.png/w", "x/y.png-2/w"],
    ],
)
def test_all_can_be_written_into_one_folder(sources: list[str], tmp_path: Path) -> None:
    names = named(*sources)
    assert len({name.casefold() for name in names}) == len(sources)
    (tmp_path / "manifest.json").touch()
    for name in map(str.casefold, names):  # as where case makes no difference
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x"):
            pass
    assert sum(len(files) for _, _, files in os.walk(tmp_path)) == len(sources) + 1


def test_the_photographs_of_a_folder_stay_together() -> None:
    assert named("a.png", "a.png/b", "a.png/c", "a.png/d/e") == [
        *("a.png", "a.png-2/b.png", "a.png-2/c.png", "a.png-2/d/e.png"),
    ]
