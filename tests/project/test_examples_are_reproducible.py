"""The program in docs/examples/README.md makes the files of that folder."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from tests.documents import ROOT, left_to

RUNNER = Path(__file__).relative_to(ROOT).as_posix()

FILES = (
    "boot.png",
    "boot-dead-pixels.png",
    "boot-noisy.png",
    "images.json",
    "images.npy",
    "photo-noisy.jpg",
)


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the program in the README of the examples writes."""
    [program] = left_to(root / "docs" / "examples" / "README.md", RUNNER)
    working = tmp_path_factory.mktemp("project")
    shutil.copytree(root / "tests" / "data", working / "tests" / "data")
    (working / "docs" / "examples").mkdir(parents=True)
    where = os.environ | {"PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", program.text], cwd=working, env=where, check=True)
    return working / "docs" / "examples"


def _content(path: Path) -> Any:
    """The decoded content of a file: the bytes of a PNG depend on the version of zlib."""
    match path.suffix:
        case ".png" | ".jpg":
            return np.asarray(Image.open(io.BytesIO(path.read_bytes())))
        case ".npy":
            return np.load(path)
    return np.asarray(orjson.loads(path.read_bytes())["inputs"])


@pytest.mark.parametrize("name", FILES)
def test_an_example_is_what_its_program_makes(root: Path, made: Path, name: str) -> None:
    kept, again = _content(root / "docs" / "examples" / name), _content(made / name)
    assert kept.dtype == again.dtype
    np.testing.assert_array_equal(kept, again)


def test_the_program_makes_every_example(root: Path, made: Path) -> None:
    assert {path.name for path in made.iterdir()} == set(FILES)
    assert {path.name for path in (root / "docs" / "examples").iterdir()} == {*FILES, "README.md"}
