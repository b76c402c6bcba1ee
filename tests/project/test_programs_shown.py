"""Every Python and JavaScript program in README and docs/client.md works as shown."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHOWN = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(python|js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {"python": (sys.executable, "-W", "error"), "js": ("node",)}

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """A folder like a clone, with the JavaScript client where curl saves it."""
    (tmp_path / "docs").symlink_to(root / "docs")
    (tmp_path / "try").mkdir()
    shutil.copy(root / "service" / "playground" / "client.js", tmp_path / "try" / "client.mjs")
    return tmp_path


def _run(root: Path, page: str, language: str, address: str, folder: Path) -> None:
    programs = [text for kind, text in BLOCK.findall((root / page).read_text()) if kind == language]
    assert programs
    for program in programs:
        assert SHOWN in program
        file = folder / ("program.mjs" if language == "js" else "program.py")
        file.write_text(program.replace(SHOWN, address))
        result = subprocess.run(
            [*COMMANDS[language], file],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, f"{program}\n{result.stdout}\n{result.stderr}"


def test_every_python_program_of_the_page_on_clients_works(
    root: Path, address: str, folder: Path
) -> None:
    _run(root, "docs/client.md", "python", address, folder)


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_every_javascript_program_of_the_page_on_clients_works(
    root: Path, address: str, folder: Path
) -> None:
    _run(root, "docs/client.md", "js", address, folder)


@pytest.mark.skipif(
    not shutil.which("node") or not shutil.which("curl"), reason="needs node and curl"
)
def test_the_three_calls_of_the_readme_are_the_same(root: Path, address: str, folder: Path) -> None:
    for language in COMMANDS:
        _run(root, "README.md", language, address, folder)
    (script,) = (
        text
        for text in re.findall(
            r"^```bash\n(.*?)^```$", (root / "README.md").read_text(), re.MULTILINE | re.DOTALL
        )
        if "try/curl.jpg" in text
    )
    subprocess.run(["bash", "-c", script.replace(SHOWN, address)], cwd=folder, check=True)
    assert (folder / "try/client.mjs").read_bytes() == (
        root / "service" / "playground" / "client.js"
    ).read_bytes()
    answers = {
        (folder / "try" / f"{each}.jpg").read_bytes() for each in ("curl", "python", "javascript")
    }
    assert len(answers) == 1
