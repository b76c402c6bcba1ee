"""Which requests a proxy sends to a second instance after the first has failed."""

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.proxies.proxy import Name, Proxy, proxy


@dataclass
class Instance:
    """An instance that is ready, and closes the connection of each request that it has read.

    Attributes:
        delay: After how many seconds.
        requests: What it was asked for.
    """

    delay: float = 0.0
    requests: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def served(self) -> Iterator[int]:
        """Yield its port."""
        instance = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                ready = self.path == "/health/ready"
                if not ready:
                    self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    instance.requests.append(f"{self.command} {self.path}")
                    time.sleep(instance.delay)
                self.close_connection = True
                if ready:
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            do_GET = do_HEAD = do_DELETE = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            yield int(server.server_address[1])
            server.shutdown()
            thread.join()


def status(made: Proxy, method: str) -> int:
    content = b"body" if method == "POST" else None
    answer = httpx.request(
        method, f"{made.url}/jobs/1", content=content, trust_env=False, verify=False, timeout=30
    )
    return answer.status_code


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
def test_a_request_whose_connection_broke(name: Name, method: str) -> None:
    first, second = Instance(), Instance()
    with first.served() as one, second.served() as other, proxy(name, one, other) as made:
        assert status(made, method) == 502
    asked = len(first.requests) + len(second.requests)
    assert asked == (2 if name == "nginx" and method != "POST" else 1)


def test_a_request_that_took_long_is_sent_to_no_second_instance(name: Name) -> None:
    def short(_: Name, text: str) -> str:
        text, found = re.subn(r"(proxy_read_timeout|timeout server)( +)120s", r"\1\g<2>600ms", text)
        assert found == 1
        return text.replace("proxy_next_upstream_timeout 10s", "proxy_next_upstream_timeout 300ms")

    instances = [Instance(delay=1.0) for _ in range(2)]
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(each.served()) for each in instances]
        made = stack.enter_context(proxy(name, *ports, change=short))
        assert status(made, "GET") == 504
    assert sum(len(each.requests) for each in instances) == 1
