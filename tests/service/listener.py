"""A real server that keeps what callbacks tell it."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer


class Listener(HTTPServer):
    """Keeps what it is told, and answers with one status after another, the last for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: list[tuple[str, dict[str, str], dict[str, object]]] = []
        self.statuses = [204]
        self.heard = threading.Semaphore(0)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Listener)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.told.append((self.path, dict(self.headers), body))
        status = server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        server.heard.release()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def heard(listener: Listener) -> bool:
    return await asyncio.to_thread(listener.heard.acquire, timeout=10)
