"""Installed builds of ONNX Runtime: exactly one, which can be imported.

All of them install the package `onnxruntime`: two overwrite each other's files, and where one of
the two is uninstalled, part of the other's are gone. This module does not import it at the top.
"""

import functools
from importlib import metadata

from service.errors import StartupError

DISTRIBUTIONS = (
    "onnxruntime",
    "onnxruntime-directml",
    "onnxruntime-gpu",
    "onnxruntime-migraphx",
    "onnxruntime-openvino",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
    "onnxruntime-training",
    "ort-nightly",
    "ort-nightly-gpu",
)
EXTRAS = "one of the extras [cpu], [gpu] and [openvino]"
ONE = f"uninstall all of them, then install {EXTRAS}"


@functools.cache
def installed_builds() -> dict[str, str]:
    """Return the version of each installed distribution of ONNX Runtime, by name.

    Each session that starts asks for them, and the search takes longer than a small graph's load:
    a process searches once.
    """
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def available_providers() -> list[str]:
    """Return the execution providers of the installed build, best first.

    Raises:
        StartupError: if ONNX Runtime cannot be imported, or is not whole.
    """
    try:
        import onnxruntime

        providers: list[str] = onnxruntime.get_available_providers()
        _ = onnxruntime.InferenceSession
    except Exception as error:
        builds = installed_builds()
        advice = ONE if builds else f"install {EXTRAS}"
        raise StartupError(
            f"ONNX Runtime: expected a build that can be imported, received {error}; {advice}"
        ) from error
    return providers
