"""Asks a vulnerability service about everything that is pinned: `make audit`.

pip-audit alone says "No known vulnerabilities found", with status 0, where the service knows none
of the packages, as package indexes of companies often do. Here a package about which nothing is
known is an error.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

REQUIREMENTS = Path("deploy", "requirements")
FOUND, NOT_AUDITED = 1, 2
"""Exit statuses beside 0, which says that every package was audited and none is vulnerable."""
MARKER = re.compile(r" ;.*(?= \\$)", re.MULTILINE)
"""Which systems a pin is for. pip-audit leaves out pins for others than the one that it runs on."""


def audit(files: Sequence[Path], options: Sequence[str]) -> tuple[int, str]:
    """Audit requirements files.

    Args:
        files: Files of pins with hashes.
        options: Further options of pip-audit, such as `--vulnerability-service osv` or
            `--ignore-vuln ID`.

    Returns:
        The exit status, and what is to be said.
    """
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        named = []
        for file in files:
            copy = Path(folder, file.name)
            copy.write_text(MARKER.sub("", file.read_text()))
            named += ["--requirement", str(copy)]
        fixed = "--require-hashes", "--disable-pip", "--progress-spinner", "off"
        command = [sys.executable, "-m", "pip_audit", *named, *fixed, *options]
        asked = subprocess.run(
            [*command, "--format", "json", "--output", report],
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.exists():
            lines = asked.stderr.strip().splitlines()
            received = lines[-1] if lines else f"status {asked.returncode}"
            return NOT_AUDITED, (
                "NOT AUDITED: expected an answer of the vulnerability service, received: "
                f"{received}"
            )
        return judge(json.loads(report.read_text())["dependencies"])


def judge(packages: Sequence[dict[str, Any]]) -> tuple[int, str]:
    """Return the exit status and what is to be said of the packages of a report.

    Args:
        packages: `dependencies` of a report of pip-audit in JSON: each with `name`, and with
            `version` and `vulns`, or with `skip_reason`.
    """
    lines = [
        f"{package['name']} {package['version']}: {each['id']}, fixed in "
        f"{', '.join(each['fix_versions']) or 'no version'}"
        for package in packages
        for each in package.get("vulns", [])
    ]
    status = FOUND if lines else 0
    skipped = [package for package in packages if "skip_reason" in package]
    if skipped or not packages:
        reason = skipped[0]["skip_reason"] if skipped else "no package is pinned"
        lines.append(f"NOT AUDITED: {len(skipped)} of {len(packages)} packages, first: {reason}")
        status = NOT_AUDITED
    lines.append(f"{len(packages) - len(skipped)} of {len(packages)} packages audited")
    return status, "\n".join(lines)


if __name__ == "__main__":
    STATUS, SAID = audit(sorted(REQUIREMENTS.glob("*.txt")), sys.argv[1:])
    print(SAID)
    sys.exit(STATUS)
