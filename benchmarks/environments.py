"""A virtual environment for each contender, from the requirements in its folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.contenders import ROOT, Contender
from service import __version__


class Unavailable(Exception):
    """A contender that cannot be set up or does not answer as it should; the text says why."""


def prepare(contender: Contender) -> Path:
    """Return the folder of a contender's programs, set up if it is not yet. Raises Unavailable.

    The stamp is a copy of the requirements: when these change, the environment is made anew.
    """
    programs = contender.environment / "bin"
    if not contender.folder.is_dir():
        call(["make", "--silent", str((contender.environment / "installed").relative_to(ROOT))])
        return programs
    wanted = requirements(contender).read_text()
    stamp = contender.environment / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return programs
    python = contender.python or sys.executable
    if not Path(python).exists():
        raise Unavailable(f"expected {python}, received no such file")
    print(f"Setting up {contender.environment.name}: a few minutes the first time", file=sys.stderr)
    call([python, "-m", "venv", "--clear", str(contender.environment)])
    pip = [str(programs / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    call([*pip, "--quiet", "--only-binary", ":all:", "-r", str(requirements(contender))])
    stamp.write_text(wanted)
    return programs


def requirements(contender: Contender) -> Path:
    """Return the file that names what a contender requires."""
    return contender.folder / "requirements.txt"


def version(contender: Contender) -> str:
    """Return the version of what a contender is, as its requirements pin it."""
    if not contender.package:
        return __version__
    pin = rf"^{re.escape(contender.package)}(?:\[.*\])?==(\S+)$"
    (found,) = re.findall(pin, requirements(contender).read_text(), re.MULTILINE)
    return str(found)


def call(command: list[str]) -> None:
    """Run a command; raise Unavailable with the end of what it wrote where it fails."""
    # Modules that another environment puts on the path are no part of this one.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise Unavailable(f"{' '.join(command)}: {tail(result.stdout + result.stderr)}")


def tail(text: str, lines: int = 3) -> str:
    """Return the last lines of a text that say anything, as one."""
    return " / ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])
