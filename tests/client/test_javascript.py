"""The JavaScript client, tested by the programs beside this one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_javascript_client_does_what_its_tests_say(
    url: str, example: Path, certificate: Path, tmp_path: Path
) -> None:
    # Under this name every version of Node takes it for a module.
    client = shutil.copy(ROOT / "service" / "playground" / "client.js", tmp_path / "client.mjs")
    given = {
        "CLIENT": str(client),
        "SERVICE": url,
        "PHOTOGRAPH": str(example),
        "CERTIFICATE": str(certificate),
    }
    program = Path(__file__).with_name("client.test.mjs")
    result = subprocess.run(
        ["node", "--test", program],
        env=os.environ | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
