"""What the images leave out of their packages is not missed by the service."""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from service.client import Client
from tests.service import format_files
from tests.service.photograph_files import encoded
from tests.shipped import serving

pytestmark = pytest.mark.slow
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[.*?\])?==", re.MULTILINE)
EXTRAS = {"jxl", "raw"}
JSON = "application/json"


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it to another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def packages(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the service alone, as they are installed here, trimmed."""
    folder = tmp_path_factory.mktemp("trimmed")
    names = PIN.findall((root / "deploy" / "requirements" / "service-cpu.txt").read_text())
    installed = {each.name.lower().replace("_", "-") for each in metadata.distributions()}
    for name in installed & set(names):
        for file in metadata.files(name) or []:
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.is_file():
                _link(source, folder / file)
    subprocess.run([sys.executable, root / "deploy" / "trim.py", folder], check=True)
    return folder


def test_tests_sources_tools_and_second_copies_are_gone(packages: Path) -> None:
    assert not [path for path in packages.rglob("tests") if path.is_dir()]
    assert not list((packages / "simdjson").glob("*.cpp"))
    assert {path.name for path in (packages / "onnxruntime").iterdir()} >= {"capi", "__init__.py"}
    for name in ("quantization", "tools", "transformers"):
        assert not (packages / "onnxruntime" / name).exists()


def test_equal_libraries_in_a_folder_become_links(root: Path, tmp_path: Path) -> None:
    for name, content in (("libx.so", b"x"), ("libx.so.1", b"x"), ("liby.so", b"y")):
        (tmp_path / name).write_bytes(content)
    subprocess.run([sys.executable, root / "deploy" / "trim.py", tmp_path], check=True)
    assert (tmp_path / "libx.so.1").readlink() == Path("libx.so")
    assert (tmp_path / "libx.so.1").read_bytes() == b"x"
    assert not (tmp_path / "liby.so").is_symlink()


def test_a_trimmed_service_does_all_that_the_service_does(
    root: Path, packages: Path, tmp_path: Path
) -> None:
    files = {name: file for name, file in format_files.every().items() if name not in EXTRAS}
    deep = Image.fromarray(format_files.bayer())
    # Without `site`, Python sees no packages but these.
    served = serving(root, tmp_path, options=["-S"], PYTHONPATH=str(packages))
    with served as url, Client(url) as client:
        for name, file in files.items():
            assert client.denoise(file, format="png").image().size == (33, 20), name
        assert client.denoise(encoded(deep, "JPEG2000"), format="png").array().dtype == np.uint16
        assert client.submit(files["png"]).result().model == "photo"
        body = (root / "docs" / "examples" / "images.json").read_bytes()
        answer = httpx.post(
            f"{url}/encode?model=recurrent", content=body, headers={"Content-Type": JSON}
        )
        assert answer.json()["model"] == "recurrent"
        for path in ("/docs", "/metrics", "/", "/v2"):
            assert httpx.get(f"{url}{path}").status_code == 200, path
