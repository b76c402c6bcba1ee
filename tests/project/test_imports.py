"""Imports follow the contracts, and have no side effects."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# A module, and an import that a contract forbids it.
FORBIDDEN = [
    ("service/errors.py", "import service.inference.registry"),
    ("service/manifest.py", "import numpy"),
    ("service/inference/registry.py", "import service.settings"),
    ("service/inference/registry.py", "import service.api.codecs.codec"),
    ("service/inference/registry.py", "import starlette"),
    ("service/api/codecs/codec.py", "import service.settings"),
    ("service/settings.py", "import service.app"),
    ("service/inference/model.py", "import training.fashion.recipes"),
    ("service/app.py", "import keras"),
    ("service/client/calls.py", "import service.errors"),
    ("service/client/calls.py", "import orjson"),
    ("training/graphs.py", "import service.app"),
    ("training/autoencoders/stacked.py", "import training.fitting.fit"),
    ("training/autoencoders/stacked.py", "import training.datasets.fashion_mnist"),
    ("training/autoencoders/stacked.py", "import tensorflow"),
]


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as lint; lint()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_follows_the_arrows(root: Path) -> None:
    result = _lint(root)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("module", "line"), FORBIDDEN)
def test_an_import_against_the_arrows_is_found(
    root: Path, tmp_path: Path, module: str, line: str
) -> None:
    for package in ("service", "training"):
        shutil.copytree(root / package, tmp_path / package)
    shutil.copy(root / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = _lint(tmp_path)
    assert result.returncode == 1
    importer = module.removesuffix(".py").replace("/", ".")
    imported = line.removeprefix("import ")
    assert f"{importer} -> {imported}" in result.stdout


def _import_all(root: Path, package: str) -> dict[str, list[str]]:
    """Import every module of a package except `__main__`; return what was loaded and changed."""
    program = f"""
import json, os, logging, pkgutil, signal, sys, threading
before = dict(os.environ), list(logging.root.handlers), signal.getsignal(signal.SIGTERM)
import {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
after = dict(os.environ), list(logging.root.handlers), signal.getsignal(signal.SIGTERM)
changes = ("environment", "log handlers", "signals")
print(json.dumps({{
    "packages": sorted({{name.split(".")[0] for name in sys.modules}}),
    "threads": [thread.name for thread in threading.enumerate()],
    "changed": [what for what, a, b in zip(changes, before, after) if a != b],
}}))
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, list[str]] = json.loads(result.stdout)
    return found


def test_importing_the_service_brings_nothing_that_trains_and_changes_nothing(root: Path) -> None:
    found = _import_all(root, "service")
    assert "onnxruntime" in found["packages"]
    assert not {"keras", "tensorflow", "tf2onnx", "training"} & set(found["packages"])
    assert found["threads"] == ["MainThread"]
    assert found["changed"] == []


def test_the_command_line_helps_without_loading_what_it_runs(root: Path) -> None:
    program = """
import runpy, sys
sys.argv = ["service", "--help"]
try:
    runpy.run_module("service", run_name="__main__")
except SystemExit as stop:
    assert not stop.code
loaded = {"fastapi", "numpy", "onnxruntime", "uvicorn"} & sys.modules.keys()
assert not loaded, loaded
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "serve" in result.stdout


WITHOUT_EXTRAS = """
import sys
from importlib.abc import MetaPathFinder
class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in %r:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""
EXTRAS = ("PIL", "fastapi", "onnxruntime", "orjson", "pydantic", "starlette", "tqdm", "uvicorn")


def _run_without_extras(root: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_EXTRAS % (EXTRAS,) + program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_client_needs_neither_the_service_nor_pillow(root: Path) -> None:
    program = """
from service.client import AsyncClient, Client
Client().close()
print(*sorted(name for name in sys.modules if name.startswith("service.")))
"""
    result = _run_without_extras(root, program)
    assert result.returncode == 0, result.stderr
    assert all(name.startswith("service.client") for name in result.stdout.split())


@pytest.mark.parametrize("package", ["service", "training"])
def test_a_command_whose_extra_is_missing_names_it(root: Path, package: str) -> None:
    program = f"""
import runpy
sys.argv = ["{package}", "serve"]
runpy.run_module("{package}", run_name="__main__")
"""
    result = _run_without_extras(root, program)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "expected" in line
    assert "pip install --find-links dist 'autoencoder-service[cpu" in line
