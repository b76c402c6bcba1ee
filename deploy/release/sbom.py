"""Software bills of materials (SBOM) in CycloneDX 1.6: the Python packages of each image."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

MACHINES = ("x86_64", "aarch64")
"""Architectures that images are built for."""
IMAGES = ("service-*.txt", "training.txt", "extra-*.txt")
"""What images are made of, as globs in deploy/requirements."""
PIN = re.compile(r"^(?P<requirement>[^\s#].*?) \\\n(?: +--hash=\S+(?: \\)?\n)+", re.MULTILINE)
BASE = re.compile(r"^FROM python:(\d+\.\d+)", re.MULTILINE)


def installed(requirements: str, python: str) -> str:
    """Return the pins that an image installs, on one architecture or the other.

    Args:
        requirements: A file of pins with hashes and environment markers (PEP 508).
        python: The Python of the images, MAJOR.MINOR.
    """
    image = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    places = [{**image, "platform_machine": machine} for machine in MACHINES]
    kept = []
    for pin in PIN.finditer(requirements):
        marker = Requirement(pin["requirement"]).marker
        if marker is None or any(marker.evaluate(place) for place in places):
            kept.append(pin[0])
    return "".join(kept)


def write(source: Path, target: Path, version: str, time: int) -> None:
    """Write a bill of each requirements file that images are made of, valid by CycloneDX's schema.

    Args:
        source: The project's files.
        target: The folder of the bills, `sbom-NAME.cdx.json`.
        version: The version of the service.
        time: When the bills were made, in seconds since 1970.

    Raises:
        ValueError: A bill cannot be made, or is not valid.
    """
    [python] = BASE.findall((source / "Dockerfile").read_text())
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    folder = source / "deploy" / "requirements"
    for path in sorted(path for pattern in IMAGES for path in folder.glob(pattern)):
        bill = _bill(installed(path.read_text(), python), path.stem, version, time)
        name = f"sbom-{path.stem}.cdx.json"
        if fault := validator.validate_str(bill):
            raise ValueError(f"{name}: expected a valid bill, received: {fault}")
        (target / name).write_text(bill)


def _bill(pins: str, name: str, version: str, time: int) -> str:
    """Return the bill of pins in JSON."""
    described = (
        f'[project]\nname = "autoencoder-service"\nversion = "{version}"\nlicense = "MIT"\n'
        f'description = "Python packages of deploy/requirements/{name}.txt, as images have them"\n'
    )
    command = "-m", "cyclonedx_py", "requirements", "-", "--spec-version", "1.6", "--no-validate"
    with TemporaryDirectory() as folder:
        project = Path(folder, "pyproject.toml")
        project.write_text(described)
        made = subprocess.run(
            [sys.executable, *command, "--output-reproducible", "--pyproject", project],
            input=pins,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(time)},
            capture_output=True,
            text=True,
            check=False,
        )
    if made.returncode:
        raise ValueError(f"{name}: expected a bill, received: {made.stderr.strip()}")
    bill = json.loads(made.stdout)
    for component in bill["components"]:
        del component["description"]  # it repeats the hashes
    return json.dumps(bill, indent=2) + "\n"
