"""Arrays of .npy and .npz files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_arrays(path: Path) -> list[NDArray[Any]]:
    """Return all arrays of an .npz file, in the order of the file.

    Raises:
        ValueError: The file is damaged, holds objects, or no array.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if not arrays.files:
                raise ValueError("none")
            return [arrays[name] for name in arrays.files]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: expected arrays of numbers, received: {error}") from error


def read_array(path: Path) -> NDArray[Any]:
    """Return the array of a file: that of .npy mapped into memory, the only one of .npz read.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, holds objects, or several arrays.
    """
    try:
        if path.suffix.lower() == ".npy":
            return np.lib.format.open_memmap(path, mode="r")
        with np.load(path, allow_pickle=False) as arrays:
            if len(arrays.files) != 1:
                raise ValueError(f"arrays {', '.join(arrays.files) or 'none'}")
            (name,) = arrays.files
            array: NDArray[Any] = arrays[name]
            return array
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: expected a file, received none") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: expected one array of numbers, received: {error}") from error
