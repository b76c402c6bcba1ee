"""Start the processes that train one model on this machine, and end them together."""

import os
import socket
import sys
import tempfile
from collections.abc import Sequence

from training.photo.joined import COUNT, STOPPED, STORE

PATIENCE = 1800
"""Seconds in which stopped processes end the step or the validation that they are at."""


def is_launched() -> bool:
    """Return whether a launcher, this one or torchrun, has started this process."""
    return COUNT in os.environ


def launch(count: int, words: Sequence[str]) -> None:
    """Run a command line in processes of their own, by PyTorch's launcher.

    A signal is passed on to them; where one ends with an error, the others are ended. They meet
    by files that only this user may read, and talk over loopback: PyTorch's own TCP store listens
    on every address, and asks nobody who he is.

    Args:
        count: Of processes.
        words: Of the command line, after the program's name.

    Raises:
        KeyboardInterrupt: A signal ended them.
        ChildProcessError: One ended with an error.
    """
    import torch
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Each would take all cores otherwise.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, torch.get_num_threads() // count)))
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    for name in _loopback():
        os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
    try:
        with tempfile.TemporaryDirectory(prefix="training-") as folder:
            os.environ[STORE] = f"{folder}/processes"
            config = LaunchConfig(
                min_nodes=1,
                max_nodes=1,
                nproc_per_node=count,
                run_id="training",
                rdzv_backend="c10d",
                rdzv_endpoint=f"{folder}/launcher",
                rdzv_configs={"store_type": "file"},
                max_restarts=0,
                shutdown_timeout=PATIENCE,
            )
            elastic_launch(config, sys.executable)("-m", "training", *words)
    except SignalException:
        raise KeyboardInterrupt from None
    except ChildFailedError as error:
        number, first = error.get_first_failure()
        if first.exitcode == STOPPED:
            raise KeyboardInterrupt from None
        raise ChildProcessError(
            f"process {number} of {count}: expected an end without an error, received exit status "
            f"{first.exitcode}; call it again to resume after the last checkpoint"
        ) from None


def _loopback() -> list[str]:
    """Return the names of the loopback interface: lo on Linux, lo0 on macOS."""
    return [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
