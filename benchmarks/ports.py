"""Free TCP ports of this machine."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """Return so many different TCP ports of 127.0.0.1."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
