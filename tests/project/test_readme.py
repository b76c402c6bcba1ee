"""Every curl command in the documentation works against a running service."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import orjson
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SHOWN = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
# An HTTP error ends the script; the documents leave these options out.
PRELUDE = """
set -euo pipefail
curl() { command curl --fail --silent --show-error "$@"; }
"""


def scripts(document: str) -> list[str]:
    """Return the shell scripts of a document that contain curl, in order."""
    found = [_commands(kind, text) for kind, text in BLOCK.findall(document)]
    return [script for script in found if re.search(r"\bcurl\b", script)]


def _commands(kind: str, text: str) -> str:
    """Return the commands of a block: those after "$ " in a console block, or all of it."""
    if kind == "bash":
        return text
    commands: list[str] = []
    goes_on = False
    for line in text.splitlines():
        if goes_on or line.startswith("$ "):
            commands.append(line if goes_on else line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(commands)


def _with_curl() -> list[Path]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in pages if scripts(page.read_text())]


def test_console_blocks_are_read_as_commands_and_output() -> None:
    shown = "$ curl one \\\n    two\noutput\n$ curl three\n"
    text = f"```console\n{shown}```\n```bash\nmake serve\n```\n"
    assert scripts(text) == ["curl one \\\n    two\ncurl three"]


def test_the_readme_shows_how_to_ask_for_every_operation() -> None:
    shown = "\n".join(scripts(README))
    for operation in ("encode", "decode", "denoise"):
        assert f"{SHOWN}/{operation}" in shown


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs curl, bash")
@pytest.mark.parametrize("document", _with_curl(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_curl_command_shown_works(document: Path, address: str, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")  # inputs; outputs go to tmp_path
    for script in scripts(document.read_text()):
        assert SHOWN in script
        if "zip -q" in script and not shutil.which("zip"):
            continue  # the only other program that the documentation asks for
        result = subprocess.run(
            ["bash", "-c", PRELUDE + script.replace(SHOWN, address)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, f"{script}\n{result.stdout}\n{result.stderr}"
    assert {path.name for path in tmp_path.iterdir()} <= {"docs", "try"}  # try/ is ignored by git
    if (tmp_path / "try").exists():
        _open_all(tmp_path / "try")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs curl, bash")
def test_every_refusal_shown_is_what_the_service_answers(address: str) -> None:
    shown = re.findall(
        r"^```sh\n(curl .*?)```\n+```json\n(.*?)```$", README, re.MULTILINE | re.DOTALL
    )
    assert shown
    for script, answer in shown:
        result = subprocess.run(
            ["bash", "-c", script.replace(SHOWN, address)],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        assert orjson.loads(result.stdout) == orjson.loads(answer)


def _open_all(folder: Path) -> None:
    """Open every file that the commands wrote, by the format of its suffix."""
    for path in folder.iterdir():
        if path.suffix in PICTURES:
            with Image.open(path) as picture:
                picture.load()
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
                told = orjson.loads(archive.read("manifest.json"))["photographs"]
            assert [each["status"] for each in told] == [200] * len(told)
        elif path.suffix == ".npy":
            assert np.load(path).size
        elif path.suffix == ".json":
            assert orjson.loads(path.read_bytes())
