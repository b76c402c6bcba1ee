"""nginx or HAProxy in front of services, with the configuration that deploy/ has for it."""

import contextlib
import functools
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.ports import free_ports
from tests.programs import program

DEPLOY = Path(__file__).parents[2] / "deploy"
Name = Literal["nginx", "haproxy"]
NAMES: tuple[Name, ...] = ("nginx", "haproxy")
MAIN = {"nginx": "autoencoder-service.conf", "haproxy": "haproxy.cfg"}
Change = Callable[[Name, str], str]
"""Returns a configuration from another."""
SITE = "photographs.example"
"""The name of the site in the configurations."""
NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path other; uwsgi_temp_path other; scgi_temp_path other;
    include upstream.conf;
    include autoencoder-service.conf;
}
"""
"""What a system's nginx.conf has around the files of conf.d, as a user can run it."""


UNPRIVILEGED = ("    user haproxy", "    group haproxy", "    chroot /var/lib/haproxy")
"""What HAProxy gives up once it has its ports, for which it has to be root."""


@dataclass(frozen=True)
class Proxy:
    """A proxy that runs.

    Attributes:
        port: Its port without TLS, which tests add to the configuration.
        tls_port: Its port with TLS.
        redirect_port: Its port for HTTP that is redirected to HTTPS.
        folder: Has its configuration and its logs.
    """

    port: int
    tls_port: int
    redirect_port: int
    folder: Path

    @property
    def url(self) -> str:
        """The URL without TLS."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        """Return a connection without TLS, from an address of this machine."""
        return socket.create_connection(("127.0.0.1", self.port), 30, (address, 0))

    def connect_tls(self, protocol: Literal["h2", "http/1.1"]) -> ssl.SSLSocket:
        """Return a connection with TLS, for the name of the site."""
        context = ssl.create_default_context(cafile=certificate() / "fullchain.pem")
        context.set_alpn_protocols([protocol])
        plain = socket.create_connection(("127.0.0.1", self.tls_port), timeout=30)
        connection = context.wrap_socket(plain, server_hostname=SITE)
        assert connection.selected_alpn_protocol() == protocol
        return connection


@contextlib.contextmanager
def proxy(
    name: Name, *services: int, any_host: bool = True, change: Change | None = None
) -> Iterator[Proxy]:
    """Run a proxy in front of services.

    Args:
        name: Which one.
        services: Their ports on 127.0.0.1.
        any_host: Whether requests for other names than the site's are served, too.
        change: Changes its configuration further.
    """
    path = program(name)
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as place:
        folder = Path(place)
        port, tls_port, redirect_port = free_ports(3)
        made = Proxy(port, tls_port, redirect_port, folder)
        for each in certificate().iterdir():
            shutil.copy(each, folder)
        write = _write_nginx if name == "nginx" else _write_haproxy
        command = write(made, services, any_host=any_host)
        if change:
            file = folder / MAIN[name]
            file.write_text(change(name, file.read_text()))
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                [path, *command],
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(made, process)
            yield made
            if process.poll() is not None:
                pytest.fail(f"expected a proxy that runs, received:\n{_logs(made)}")
        finally:
            process.terminate()
            process.wait(30)


def _write_nginx(made: Proxy, services: Sequence[int], *, any_host: bool) -> list[str]:
    text = (DEPLOY / "nginx" / "autoencoder-service.conf").read_text()
    text = re.sub(r"\n.*\[::\].*", "", text)
    others = "listen      80 default_server;"
    if not any_host:
        text = _replaced(text, others, f"{others} listen 127.0.0.1:{made.port} default_server;")
    text = _replaced(text, "listen      80", f"listen 127.0.0.1:{made.redirect_port}")
    site = f"listen      443 ssl http2;\n    server_name {SITE};"
    text = _replaced(text, site, f"listen 127.0.0.1:{made.port};\n    {site}")
    text = _replaced(text, "listen      443", f"listen 127.0.0.1:{made.tls_port}")
    text = _replaced(text, "/etc/nginx/tls/", f"{made.folder}/")
    (made.folder / "autoencoder-service.conf").write_text(text)
    text = (DEPLOY / "nginx" / "upstream.conf").read_text()
    line = re.search(r"    server 127\.0\.0\.1:8000.*\n", text)
    assert line
    lines = "".join(line[0].replace("8000", str(port)) for port in services)
    (made.folder / "upstream.conf").write_text(text.replace(line[0], lines))
    (made.folder / "nginx.conf").write_text(NGINX)
    return ["-p", str(made.folder), "-c", "nginx.conf", "-e", "error.log"]


def _write_haproxy(made: Proxy, services: Sequence[int], *, any_host: bool) -> list[str]:
    text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    text = re.sub(r"\n.*\[::\].*", "", text)
    for line in UNPRIVILEGED:
        text = _replaced(text, f"{line}\n", "")
    plain = f"bind 127.0.0.1:{made.port}"
    text = _replaced(text, "bind :80", f"{plain}\n    bind 127.0.0.1:{made.redirect_port}")
    text = _replaced(text, "bind :443", f"bind 127.0.0.1:{made.tls_port}")
    text = _replaced(text, "unless { ssl_fc }\n\n", f"if {{ dst_port {made.redirect_port} }}\n\n")
    text = _replaced(text, "/etc/haproxy/tls.pem", f"{made.folder}/tls.pem")
    line = "    server one 127.0.0.1:8000\n"
    lines = (line.replace("8000", str(port)).replace("one", f"s{port}") for port in services)
    text = _replaced(text, line, "".join(lines))
    if any_host:
        text = re.sub(r"    http-request silent-drop .*\n", "", text)
    (made.folder / "haproxy.cfg").write_text(text)
    return ["-db", "-f", "haproxy.cfg"]


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"expected {old!r} in the configuration"
    return text.replace(old, new)


@functools.cache
def certificate() -> Path:
    """Return a folder with a certificate for the site, that lasts as long as the process."""
    place = tempfile.TemporaryDirectory(prefix="certificate-")
    _kept.append(place)
    folder = Path(place.name)
    subject = ["-subj", f"/CN={SITE}", "-addext", f"subjectAltName=DNS:{SITE}"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    files = ["-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"]
    command = [program("openssl"), "req", *kind, *files, *subject, "-days", "2"]
    subprocess.run(command, check=True, capture_output=True)
    both = [(folder / each).read_text() for each in ("fullchain.pem", "privkey.pem")]
    (folder / "tls.pem").write_text("".join(both))
    return folder


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _wait(made: Proxy, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            made.connect().close()
            return
        time.sleep(0.01)
    pytest.fail(f"expected a proxy, received:\n{_logs(made)}")


def _logs(made: Proxy) -> str:
    files = (each for each in made.folder.iterdir() if each.suffix in (".log", ".txt"))
    return "\n".join(each.read_text() for each in files)
