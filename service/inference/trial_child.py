"""The program that tries one model: loads it and warms it up, within bounds."""

import signal
import sys
from pathlib import Path

FAULT, TOO_LARGE = 65, 71
"""Exit statuses (EX_DATAERR and EX_OSERR of sysexits.h): the model has a fault, or memory was not
enough."""
NO_MEMORY = ("allocate memory", "bad_alloc", "bad allocation")
"""What messages of ONNX Runtime say where there is too little memory."""
PR_SET_PDEATHSIG = 1
"""Which signal the kernel sends once the parent has ended (prctl(2))."""
FIRST_TO_GO = b"1000"
"""The score of a process that the kernel ends first where memory is short (proc(5))."""


def main(folder: str, seconds: str, memory: str) -> int:
    """Try a model.

    Args:
        folder: Its folder.
        seconds: After which to end, where a parent that was killed cannot see to that.
        memory: Bytes that it may take, 0 for any.

    Returns:
        The exit status: 0, FAULT or TOO_LARGE.
    """
    _end_with_parent(float(seconds))
    from service.inference.device import Execution
    from service.inference.loader import load

    _bound(int(memory))
    try:
        load(Path(folder), execution=Execution("cpu", threads=1)).warm_up(1)
    except MemoryError:
        return TOO_LARGE
    except Exception as error:  # noqa: BLE001 - what else is wrong, the parent finds itself
        return TOO_LARGE if any(each in str(error) for each in NO_MEMORY) else FAULT
    return 0


def _bound(memory: int) -> None:
    """Bound the memory of this process, and let the kernel end it before the service."""
    if sys.platform == "win32":
        return
    import resource

    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        Path("/proc/self/oom_score_adj").write_bytes(FIRST_TO_GO)


def _end_with_parent(seconds: float) -> None:
    """End when the parent does, not when a signal is sent to the whole service."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 2 * seconds)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
