"""Removes from an environment what its packages bring and the service never uses.

The images of the service are built with it: python trim.py /opt/venv/lib/python3.13/site-packages
"""

import hashlib
import shutil
import sys
from pathlib import Path

UNNEEDED = (
    "**/tests",
    "numpy/f2py",  # compiles Fortran
    "simdjson/*.cpp",  # sources of the compiled module
    "simdjson/*.h",
    # What converts, quantizes and optimises models.
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # For programs in C: the module of Python holds the same code, and nothing links to this.
    "onnxruntime/capi/libonnxruntime.so.*",
    # OpenVINO on processors needs none of its other devices, nor its interface for C.
    "onnxruntime/capi/libopenvino_c.so*",
    "onnxruntime/capi/libopenvino_intel_[gn]pu_plugin.so",
)
"""Files and folders in site-packages, as pathlib's globs."""


def trim(packages: Path) -> None:
    """Remove what is not needed, and keep one copy of a library that is there under several names.

    Wheels hold no symbolic links: `libNAME.so`, `libNAME.so.1` and `libNAME.so.1.2` are equal.

    Args:
        packages: A folder site-packages.
    """
    for path in [path for pattern in UNNEEDED for path in packages.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # it went with a folder
    kept: dict[tuple[Path, bytes], str] = {}
    for path in sorted(path for path in packages.rglob("*.so*") if not path.is_symlink()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        first = kept.setdefault((path.parent, digest), path.name)
        if first != path.name:
            path.unlink()
            path.symlink_to(first)


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
