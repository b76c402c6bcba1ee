"""The firewall's rules beside nginx bound the connections of a client, in a network of its own."""

import os
import subprocess
import sys

from tests.programs import SYSTEM_PATH, cannot_run, program
from tests.proxies.proxy import DEPLOY

RULES = DEPLOY / "nginx" / "connections.nft"
ADDRESSES = ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1")
NETWORK = " && ".join(
    ("ip link set lo up", *(f"ip -6 addr add {each}/128 dev lo nodad" for each in ADDRESSES))
)
SCRIPT = """
import socket

PORTS = (80, 443)

def opened(address, port):
    try:
        return socket.create_connection((host, port), 5, (address, 0))
    except ConnectionRefusedError:
        return None

for host, first, same, other in (
    ("127.0.0.1", "127.0.0.9", "127.0.0.9", "127.0.0.10"),
    ("::1", "2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1"),
):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    servers = [socket.create_server((host, port), family=family, backlog=100) for port in PORTS]
    held = [opened(same if number % 2 else first, PORTS[number % 3 % 2]) for number in range(64)]
    assert all(held)
    assert [opened(same, port) for port in PORTS] == [None, None], host
    assert opened(other, PORTS[0]), host
"""
"""Opens connections of an address, or of two in one /64, and of another."""
PATH = f"{os.environ['PATH']}:{SYSTEM_PATH}"


def test_connections_beyond_those_of_a_client_are_refused() -> None:
    unshare, *_ = (program(each) for each in ("unshare", "ip", "nft"))
    alone = [unshare, "--map-root-user", "--net", "sh", "-c"]
    environment = {**os.environ, "PATH": PATH}
    if subprocess.run(
        [*alone, "nft list ruleset"], check=False, env=environment, capture_output=True
    ).returncode:
        cannot_run("needs a network namespace of its own, and the kernel's nf_tables")
    command = f'{NETWORK} && nft -f "$0" && "$1" -c "$2"'
    subprocess.run(
        [*alone, command, str(RULES), sys.executable, SCRIPT],
        env=environment,
        check=True,
        timeout=60,
    )
