"""The client program in docs/open-inference.md works as shown."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_client_shown_denoises_the_examples(root: Path, address: str) -> None:
    page = (root / "docs" / "open-inference.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shown = "127.0.0.1:8000"
    assert shown in program
    program = program.replace(shown, address.removeprefix("http://"))
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout == "(2, 28, 28)\n"
