"""A model is tried in a process of its own before it is loaded beside those that serve.

A graph of some hundred bytes may ask for any memory and any time, in ONNX Runtime's optimizer or
when it runs. In the service's process that would take down all that is served.
"""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from service.errors import StartupError
from service.inference import trial_child

SECONDS, MEMORY = "SERVICE_LOAD_SECONDS", "SERVICE_LOAD_MEMORY_BYTES"
"""How an operator sets the bounds."""

log = logging.getLogger(__name__)

_running: set[subprocess.Popen[str]] = set()


def try_out(folder: Path, seconds: float, memory: int) -> None:
    """Load and warm up the model of a folder on the CPU, in another process.

    Faults of its files are not looked for: whoever loads it then finds them, on its own device.

    Args:
        folder: <name>/<version>/.
        seconds: Time that it may take, in seconds.
        memory: Memory that it may take, in bytes; 0 for any.

    Raises:
        StartupError: It takes more, or ends the process.
    """
    command = [sys.executable, "-m", trial_child.__name__, str(folder), str(seconds), str(memory)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
    except OSError as error:
        raise StartupError(f"{folder}: expected a process to try it, received: {error}") from error
    with process:
        _running.add(process)
        try:
            _, told = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise StartupError(
                f"{folder}: expected a model that is loaded and warm within {seconds:g} s "
                f"({SECONDS}), received one that takes longer"
            ) from None
        finally:
            _running.discard(process)
    if process.returncode == trial_child.TOO_LARGE:
        raise StartupError(
            f"{folder}: expected a model that is loaded and warm within {memory} bytes of memory "
            f"({MEMORY}), received one that takes more"
        )
    if process.returncode < 0:
        cause = signal.Signals(-process.returncode).name
        raise StartupError(f"{folder}: expected a model that can be loaded, received {cause}")
    if process.returncode not in (0, trial_child.FAULT):
        log.warning("%s could not be tried: %s", folder, told[-1000:])


def end() -> None:
    """End the trials that run, when the service stops."""
    for process in tuple(_running):
        process.kill()
