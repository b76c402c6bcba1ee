"""Training chooses Keras's backend itself, and no settings of other projects reach it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest

from training import backend
from training.cli import main


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Keep the environment of the tests as it was."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (backend.VARIABLE, "KERAS_NNX_ENABLED", "TF_CPP_MIN_LOG_LEVEL"):
            patch.setenv(name, os.environ.get(name, ""))
        patch.delenv(backend.VARIABLE)
        yield


@pytest.mark.parametrize(
    "command",
    [
        ["train", "stacked"],
        ["export", "stacked", "--models", "none", "--runs", "none"],
        ["train", "photo", "--photos", "PHOTOS"],
        ["export", "photo", "--models", "none", "--runs", "none"],
        ["figures"],
    ],
    ids=" ".join,
)
def test_a_backend_that_does_not_exist_is_named(
    command: list[str], photographs: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorfow")
    words = [str(photographs.root) if word == "PHOTOS" else word for word in command]  # type: ignore[attr-defined]
    expected = "KERAS_BACKEND: expected one of tensorflow, jax, torch, received tensorfow"
    with pytest.raises(SystemExit, match=expected):
        main(words)


def test_a_backend_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "find_spec", lambda name: name != "jax" and find_spec("keras"))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(SystemExit, match=r"that is installed \(tensorflow, torch\), received jax$"):
        main(["train", "stacked"])


@pytest.mark.parametrize("missing", [("keras",), backend.BACKENDS])
def test_without_keras_or_any_backend_it_is_said_what_to_install(
    missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "find_spec", lambda name: name not in missing)
    with pytest.raises(SystemExit, match=rf"^{missing[0]}: expected an installed.*cpu,train"):
        main(["train", "stacked"])


@pytest.mark.parametrize("value", [None, ""])
def test_the_first_installed_backend_is_the_default(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("KERAS_BACKEND", value)
    assert backend.load() == "tensorflow"
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


def test_a_backend_other_than_the_one_imported_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "find_spec", lambda name: True)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(ValueError, match="expected tensorflow, already imported, received torch"):
        backend.load()


def test_settings_of_other_projects_are_overridden() -> None:
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("float16")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_epsilon(1e-2)
    backend.load()
    layer = keras.layers.Conv2D(1, 1)
    assert (keras.config.floatx(), keras.config.epsilon()) == ("float32", 1e-7)
    assert (layer.compute_dtype, layer.data_format) == ("float32", "channels_last")


def _train(home: Path, samples: Path, settings: dict[str, object]) -> tuple[int, str]:
    (home / "keras.json").write_text(json.dumps(settings))
    words = ["train", "convolutional", "--epochs", "1", "--subset", "40"]
    folders = ["--data", str(samples), "--runs", str(home / "runs")]
    environment = {name: value for name, value in os.environ.items() if name[:3] != "TF_"}
    done = subprocess.run(
        [sys.executable, "-m", "training", *words, *folders],
        env=environment | {"KERAS_HOME": str(home)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.slow
def test_a_process_trains_whatever_keras_json_says_and_reports_no_missing_gpu(
    samples: Path, tmp_path: Path
) -> None:
    hostile = {
        "floatx": "float16",
        "epsilon": 1e-2,
        "image_data_format": "channels_first",
        "backend": "torch",
        "nnx_enabled": True,
    }
    status, errors = _train(tmp_path, samples, hostile)
    assert status == 0, errors
    assert "cuInit" not in errors
    trained = keras.saving.load_model(tmp_path / "runs" / "convolutional" / "autoencoder.keras")
    assert {weight.dtype for weight in trained.weights} == {"float32"}


@pytest.mark.slow
def test_settings_that_keras_refuses_are_named(samples: Path, tmp_path: Path) -> None:
    status, errors = _train(tmp_path, samples, {"floatx": "float8"})
    assert status == 1
    assert errors.startswith("ValueError: keras.json")
