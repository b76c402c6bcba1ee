"""The files of the page: strict, small, offline, and with their sources."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.page.conftest import PLAYGROUND

MARKUP = sorted(PLAYGROUND.rglob("*.html"))
SCRIPTS = sorted(path for path in PLAYGROUND.rglob("*.js") if path.name != "client.js")
STYLES = sorted(PLAYGROUND.rglob("*.css"))
IMPORT = re.compile(
    r'^import .* from "(\.[^"]+)";$|await import\("(\.[^"]+)"\)|new Worker\(new URL\("(\.[^"]+)"',
    re.MULTILINE,
)
PHOTOGRAPHS = PLAYGROUND / "samples" / "photographs"


def _name(path: Path) -> str:
    return str(path.relative_to(PLAYGROUND))


@pytest.mark.parametrize("path", MARKUP, ids=_name)
def test_markup_has_neither_scripts_nor_styles_inside(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", [*MARKUP, *SCRIPTS, *STYLES], ids=_name)
def test_nothing_is_asked_of_other_hosts(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")  # the name of a namespace
    assert not re.search(r"https?://[a-z]|//cdn", text)


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES], ids=_name)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_scripts_say_what_they_are_and_import_what_there_is(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("// ")
    for name in map("".join, IMPORT.findall(text)):
        assert (path.parent / name).is_file(), name
    assert "eval(" not in text
    assert "new Function" not in text


def _reached(path: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield a module and all that it imports."""
    if path in seen:
        return
    seen.add(path)
    yield path
    for name in map("".join, IMPORT.findall(path.read_text())):
        yield from _reached((path.parent / name).resolve(), seen)


def test_every_script_is_used() -> None:
    seen: set[Path] = set()
    for name in ("main.js", "denoise/view.js", "codings/view.js", "models/view.js", "api/api.js"):
        list(_reached(PLAYGROUND / name, seen))
    assert set(SCRIPTS) <= seen


def test_photographs_to_try_are_small_and_their_sources_are_known() -> None:
    sources = (PHOTOGRAPHS / "SOURCES.md").read_text()
    for path in PHOTOGRAPHS.iterdir():
        if path.suffix == ".md":
            continue
        assert f"`{path.name.replace('-small', '').split('.')[0]}" in sources
        assert path.stat().st_size < (8_000 if "-small" in path.name else 120_000)
        Image.open(path).verify()


def test_the_map_is_small_and_of_a_model_that_ships() -> None:
    path = PLAYGROUND / "codings" / "map.json"
    assert path.stat().st_size < 60_000
    drawn = json.loads(path.read_text())
    manifest = PLAYGROUND.parents[1] / "models" / drawn["model"] / str(drawn["version"])
    assert (manifest / "manifest.json").is_file()
    assert len(drawn["labels"]) >= 300
