"""Choose Keras's backend and import Keras with settings of this project's own.

Keras reads `~/.keras/keras.json`, which other projects write: a float16 or channels-first default
there would train other models than the recipes describe. Call `load` before anything that imports
Keras.
"""

import ctypes
import os
import sys
from importlib.util import find_spec

VARIABLE = "KERAS_BACKEND"
BACKENDS = ("tensorflow", "jax", "torch")


def load() -> str:
    """Import Keras with one of the backends and the settings that the recipes rely on.

    The backend is that of KERAS_BACKEND, or the first of tensorflow, jax and torch that is
    installed.

    Returns:
        The backend's name.

    Raises:
        ValueError: KERAS_BACKEND names no backend, or one that is not installed; Keras has been
            imported with another one; keras.json has settings that Keras refuses.
        ModuleNotFoundError: Keras or all of its backends are missing.
    """
    chosen = _choose()
    os.environ[VARIABLE] = chosen
    os.environ.setdefault("KERAS_NNX_ENABLED", "false")
    # Where there is no GPU, TensorFlow logs "failed call to cuInit" as an error.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if _has_gpu() else "3")
    try:
        import keras
    except ValueError as error:
        raise ValueError(
            f"keras.json in ~/.keras or $KERAS_HOME: expected settings of Keras, received: {error} "
            "Training uses none of them: the file can be removed."
        ) from error
    if (imported := keras.backend.backend()) != chosen:
        raise ValueError(f"{VARIABLE}: expected {imported}, already imported, received {chosen}")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    return chosen


def _choose() -> str:
    named = os.environ.get(VARIABLE, "")
    installed = [backend for backend in BACKENDS if find_spec(backend)]
    if not find_spec("keras"):
        raise ModuleNotFoundError("No module named 'keras'", name="keras")
    if not installed:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
    if named and named not in BACKENDS:
        raise ValueError(f"{VARIABLE}: expected one of {', '.join(BACKENDS)}, received {named}")
    if named and named not in installed:
        raise ValueError(
            f"{VARIABLE}: expected a backend that is installed ({', '.join(installed)}), "
            f"received {named}"
        )
    return named or installed[0]


def _has_gpu() -> bool:
    """Return whether CUDA's driver is installed and finds a GPU."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL("libcuda.so.1").cuInit(0) == 0)
    except OSError:
        return False
