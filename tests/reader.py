"""A reader of the documents: a folder like a clone, in which their blocks run in turn."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.documents import PROGRAMS, ROOT, Block

CLONE = ("README.md", "benchmarks", "docs", "models", "service", "tests", "training")
"""What of the project a reader's folder has."""
PHOTOGRAPHS = (
    "photo.jpg",
    "party.jpg",
    "a.jpg",
    "holidays/1.jpg",
    "holidays/old/2.jpg",
    "scans/3.jpg",
)
"""What readers bring: photographs of their own."""
PYTHON = f'#!/bin/sh\nexec "{sys.executable}" -W error "$@"\n'
PLAIN = f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n'
"""The Python of a reader's system: it has no packages, and does not see the clone."""
CAMERA = f'#!/bin/sh\nexec cat "{ROOT}/docs/examples/photo-noisy.jpg"\n'
OPTIONAL = ("zip", "unzip", "node")
"""Programs without which a block cannot run here."""
PRELUDE = """set -euo pipefail
test ! -e .state || . ./.state
set -a
"""
FAIL = 'curl() { command curl --fail --silent --show-error "$@"; }\n'
"""An HTTP error ends a script; the documents leave these options out."""


class Reader:
    """Runs the blocks of a document one after another, as in one terminal.

    Args:
        folder: An empty folder.
        address: The URL of a service that runs.
        environment: The name of the clone's environment whose Python the document says to run its
            programs with.

    Attributes:
        folder: The folder.
        application: The URL at which a web application of the document listens once it is started.
    """

    def __init__(self, folder: Path, address: str, environment: str = "") -> None:
        self.folder = folder
        self._environment = environment
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.application = f"http://127.0.0.1:{port}"
        self._places = {
            "127.0.0.1:8000": address.removeprefix("http://"),
            "127.0.0.1:8080": f"127.0.0.1:{port}",
            "--port 8080": f"--port {port}",
        }
        self._groups: list[int] = []
        for name in CLONE:
            (folder / name).symlink_to(ROOT / name)
        example = ROOT / "docs" / "examples" / "boot-noisy.png"
        for name in (*PHOTOGRAPHS, "b.png"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(example, folder / name)
        for name in ("service-cpu", "training"):
            self._program(f".venv/{name}/bin/python", PYTHON)
        for name in ("python", "python3"):
            self._program(f".programs/{name}", PLAIN)
        self._program(".programs/some-camera", CAMERA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what blocks have started in the background."""
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def save(self, block: Block) -> None:
        """Save a block under the name that the document gives it."""
        path = self.folder / block.mark.removeprefix("file: ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(self._placed(block.text))

    def lacks(self, block: Block) -> set[str]:
        """Return the programs that a block calls and that are not installed here."""
        words = {PROGRAMS[block.language], *block.text.split()}
        return {name for name in OPTIONAL if name in words and not shutil.which(name)}

    def run(self, block: Block) -> tuple[str, str]:
        """Run a block; return what it prints, on standard output and on standard error.

        Raises:
            AssertionError: It fails.
        """
        text = self._placed(block.text)
        if PROGRAMS[block.language] == "bash":
            fail = "" if block.mark == "refused" else FAIL
            command = ["bash", "-c", f"{fail}{PRELUDE}{text}\nset +a\nexport -p > .state\n"]
        else:
            name = "program.mjs" if block.language == "js" else "program.py"
            (self.folder / name).write_text(text)
            runs = {"js": "node program.mjs", "python": f"{self._python()} - < program.py"}
            command = ["bash", "-c", runs[block.language]]
        printed = [self.folder / ".stdout", self.folder / ".stderr"]
        programs = f"{self.folder / '.programs'}{os.pathsep}{os.environ['PATH']}"
        # Files, as a program in the background keeps a pipe open.
        with printed[0].open("wb") as output, printed[1].open("wb") as errors:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._variables() | {"PATH": programs},
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            self._groups.append(process.pid)
            status = process.wait(120)
        out, error = (self._shown(path.read_text()) for path in printed)
        assert status == 0, f"line {block.line}: {block.text}\n{out}\n{error}"
        return out, error

    def _python(self) -> str:
        assert self._environment, "expected a document that names the Python of its programs"
        return f".venv/{self._environment}/bin/python"

    def _variables(self) -> dict[str, str]:
        """The environment variables of a reader's terminal."""
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def _placed(self, text: str) -> str:
        for shown, here in self._places.items():
            text = text.replace(shown, here)
        return text

    def _shown(self, text: str) -> str:
        for shown, here in self._places.items():
            text = text.replace(here, shown)
        return text

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
