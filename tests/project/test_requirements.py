"""Locked requirements: one version of each package, with hashes, without addresses."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

RUNNING = ("service-cpu", "service-gpu", "service-openvino", "training", "bench", "dev", "ray")
EXTRAS = tuple(
    f"extra-{name}" for name in ("heic", "jxl", "raw", "redis", "otel", "stores", "parquet", "ray")
)
TRAINING = ("search", "mlflow")
"""Extras of what trains."""
OTHERS = ("docs", "fuzz", "release", "lock", "pip")
NAMES = (*RUNNING, *EXTRAS, *(f"training-{name}" for name in TRAINING), *OTHERS)
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9._, -]+\])?==(\S+)( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def _lines(root: Path, name: str) -> list[str]:
    text = (root / "deploy" / "requirements" / f"{name}.txt").read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def _pins(root: Path, name: str) -> dict[str, str]:
    pins: dict[str, str] = {}
    for match in filter(None, map(PIN.match, _lines(root, name))):
        assert match[1] not in pins, f"{match[1]} is pinned twice"
        pins[match[1]] = match[2]
    return pins


@pytest.mark.parametrize("name", NAMES)
def test_requirements_are_pins_with_hashes_and_nothing_else(root: Path, name: str) -> None:
    lines = _lines(root, name)
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if PIN.match(line) or line.endswith("\\"):
            assert HASH.match(following), f"expected a hash after {line!r}, received {following!r}"


@pytest.mark.parametrize("name", NAMES)
def test_requirements_name_no_address_and_no_path(root: Path, name: str) -> None:
    text = (root / "deploy" / "requirements" / f"{name}.txt").read_text()
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links| @ |(?:^|\s)[./~]\S*", text) == []


def test_serving_needs_no_package_that_trains(root: Path) -> None:
    for name in ("service-cpu", "service-gpu", "service-openvino"):
        assert not {"keras", "tensorflow", "tf2onnx", "matplotlib"} & _pins(root, name).keys()


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", ["service-cpu", "service-gpu", "service-openvino"])
def test_an_extra_replaces_no_package_of_what_it_is_added_to(
    root: Path, name: str, extra: str
) -> None:
    served, added = _pins(root, name), _pins(root, extra)
    assert added.keys() - served.keys()
    assert {pin: added[pin] for pin in added.keys() & served.keys()}.items() <= served.items()


@pytest.mark.parametrize("extra", TRAINING)
def test_an_extra_replaces_no_package_of_what_trains(root: Path, extra: str) -> None:
    trains, added = _pins(root, "training"), _pins(root, f"training-{extra}")
    assert added.keys() - trains.keys()
    assert {pin: added[pin] for pin in added.keys() & trains.keys()}.items() <= trains.items()
    assert f"pin,training-{extra},pyproject.toml --extra {extra}" in (root / "Makefile").read_text()


def test_every_extra_that_serves_has_requirements_and_is_in_both_recipes(root: Path) -> None:
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    others = {"server", "cpu", "gpu", "openvino", "train", "bench", "docs", "release", "dev"}
    others |= set(TRAINING)
    names = extras["optional-dependencies"].keys() - others
    assert {f"extra-{name}" for name in names} == set(EXTRAS)
    for recipe in ("Makefile", "Dockerfile"):
        listed = "# heic, jxl, raw, redis, otel, stores, parquet, ray, separated by commas"
        assert listed in (root / recipe).read_text()


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_serve_installs_the_extras_that_are_asked_for(root: Path) -> None:
    made = subprocess.run(
        ["make", "--dry-run", "--always-make", "serve", "EXTRAS=heic,raw"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    places = [
        made.index(f"-r deploy/requirements/{each}.txt")
        for each in ("service-cpu", "extra-heic", "extra-raw")
    ]
    assert places == sorted(places)
    assert made.index(" -m service serve") > places[-1]


def test_one_build_of_onnx_runtime_is_required_and_never_two(root: Path) -> None:
    builds = {
        name: {pin for pin in _pins(root, name) if pin.startswith("onnxruntime")}
        for name in RUNNING
    }
    assert builds == {
        "service-cpu": {"onnxruntime"},
        "service-gpu": {"onnxruntime-gpu"},
        "service-openvino": {"onnxruntime-openvino"},
        "training": {"onnxruntime"},
        "bench": {"onnxruntime"},
        "dev": {"onnxruntime"},
        "ray": {"onnxruntime"},
    }


def test_a_package_has_the_same_version_in_every_file(root: Path) -> None:
    versions: dict[str, set[str]] = {}
    for name in NAMES:
        for package, version in _pins(root, name).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}
