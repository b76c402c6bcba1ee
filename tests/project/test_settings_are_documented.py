"""Every setting is documented by variable and flag, and no unknown setting is named."""

import re
from pathlib import Path

import pytest

from service.inference import device
from service.inference import loader as loading
from service.setting_names import named, variable
from service.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def documentation() -> str:
    """The text of the README and of every page of docs/."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text() for page in pages)


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_a_setting_is_documented_by_its_variable_and_its_flag(
    documentation: str, setting: str
) -> None:
    variable, flag = f"SERVICE_{setting.upper()}", f"--{setting.replace('_', '-')}"
    assert re.search(rf"{variable}\b", documentation), f"expected {variable} in README.md or docs/"
    assert re.search(rf"{flag}(?![\w-])", documentation), f"expected {flag} in README.md or docs/"


def test_no_setting_is_documented_that_does_not_exist(documentation: str) -> None:
    documented = set(re.findall(r"\bSERVICE_[A-Z_]*[A-Z]\b", documentation))
    assert documented <= {f"SERVICE_{setting.upper()}" for setting in Settings.model_fields}


def test_no_error_names_a_setting_that_does_not_exist() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    variables = set(re.findall(r"\bSERVICE_[A-Z_]*[A-Z]\b", code))
    assert variables
    assert variables <= {variable(setting) for setting in Settings.model_fields}
    assert named("device") == device.SETTING
    assert named("models") == loading.SETTING
