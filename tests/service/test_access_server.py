"""Access over sockets: headers of every response, early refusals, keys that change."""

import asyncio
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.cli import main
from service.client import AsyncClient, Client, Result, errors
from service.server.security_headers import security_headers
from tests.service.keys import lines, made
from tests.service.running import ROOT, Running, running
from tests.service.wire import SMALL, body_of, check, head, images, more, read_head

WEB = made("web")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("access") / "keys"
    file.write_text(lines(WEB))
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def service(tiny_models: Path, file: Path) -> Iterator[Running]:
    flags = (f"--api-keys-file={file}", "--host=0.0.0.0", f"--jobs-dir={file.parent / 'jobs'}")
    with running(tiny_models, *flags) as service:
        assert "anybody" not in service.log.read_text()
        yield service


def get(service: Running, path: str, **headers: str) -> httpx.Response:
    return httpx.get(service.url + path, headers=headers, timeout=30, trust_env=False, verify=False)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", 200),
        (b"GET /health/ready HTTP/1.1", 200),
        (b"HEAD /docs HTTP/1.1", 200),
        (b"POST /denoise HTTP/1.1", 401),
        (b"GET /playground/none HTTP/1.1", 404),
        (b"nothing of HTTP", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000, 431),
    ],
)
def test_every_response_has_the_headers_that_protect_it(
    connection: socket.socket, request_line: bytes, status: int
) -> None:
    connection.sendall(request_line + b"\r\nHost: x\r\n\r\n")
    told, _ = read_head(connection)
    assert told.split()[1] == str(status)
    sent = re.findall(r"^([\w-]+): (.*?)\r?$", told, re.MULTILINE)
    assert set(security_headers(is_shared=False)) <= set(sent)


def test_the_page_has_a_strict_policy_and_the_documentation_one_of_its_own(
    service: Running,
) -> None:
    own = {}
    for path in ("/", "/docs", "/redoc"):
        shared, own[path] = get(service, path).headers.get_list("content-security-policy")
        assert shared == "frame-ancestors 'none'"
        scripts = re.search(r"script-src ([^;]*)", own[path])
        assert scripts
        assert "unsafe" not in scripts[1]
    assert own["/"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert own["/docs"] == own["/redoc"]


def test_a_refusal_reaches_a_client_that_still_sends_and_the_connection_goes_on(
    connection: socket.socket,
) -> None:
    body = bytes(20_000_000)  # more than is read before the response
    connection.sendall(head(len(body)))
    told, rest = read_head(connection)
    assert told.startswith("HTTP/1.1 401")
    assert 'www-authenticate: Bearer realm="autoencoder-service"' in told
    length = int(re.search(r"content-length: (\d+)", told, re.IGNORECASE)[1])  # type: ignore[index]
    while len(rest) < length:
        rest += more(connection)
    assert b'"unauthenticated"' in rest
    connection.sendall(body)
    sent = images(SMALL)
    known = f"Authorization: Bearer {WEB.key}"
    connection.sendall(head(len(body_of(sent)), known) + body_of(sent))
    check(connection, sent)


def test_a_client_that_asks_first_is_not_told_to_go_on(connection: socket.socket) -> None:
    connection.sendall(head(20_000_000, "Expect: 100-continue", "Connection: close"))
    told, _ = read_head(connection)
    assert told.startswith("HTTP/1.1 401")


def test_the_python_clients_send_a_key(service: Running) -> None:
    photograph = ROOT / "docs" / "examples" / "boot.png"
    with Client(service.url, api_key=WEB.key) as client:
        assert client.models()
        assert client.denoise(photograph, fit=True).image().size == (4, 4)
        job = client.submit(photograph, fit=True)
        assert [status.state for status in job.events()][-1] == "succeeded"
        result = job.result(timeout=30)
        assert isinstance(result, Result)
        assert result.image().size == (4, 4)
    with Client(service.url, retries=0) as client:
        assert client.ready()
        with pytest.raises(errors.Unauthenticated, match="received neither"):
            client.models()

    async def ask(key: str) -> int:
        async with AsyncClient(service.url, api_key=key, retries=0) as client:
            return len(await client.models())

    assert asyncio.run(ask(WEB.key))
    with pytest.raises(errors.Unauthenticated):
        asyncio.run(ask("wrong"))


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_javascript_client_sends_a_key(service: Running, tmp_path: Path) -> None:
    module = tmp_path / "client.mjs"
    module.write_bytes(get(service, "/playground/client.js").content)
    program = """
        import { Client, NpyArray } from "./client.mjs";
        const [, , url, apiKey] = process.argv;
        const image = new NpyArray(new Float32Array(16), [1, 4, 4]);
        const client = new Client(url, { apiKey });
        const job = await client.submit(image);
        for await (const { state } of job.events()) console.log(state);
        console.log((await job.result()).model);
        await new Client(url).models().catch(({ code }) => console.log(code));
    """
    (tmp_path / "program.mjs").write_text(program)
    command = ["node", "program.mjs", service.url, WEB.key]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert told.split()[-3:] == ["succeeded", "half", "unauthenticated"]


def test_keys_change_without_a_restart(service: Running, file: Path) -> None:
    other = made("other")
    before = file.read_text()
    assert get(service, "/models", **{"X-API-Key": other.key}).status_code == 401
    file.write_text(before + lines(other))
    deadline = time.monotonic() + 30
    while get(service, "/models", **{"X-API-Key": other.key}).status_code == 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert get(service, "/models", **WEB.bearer).status_code == 200
    assert "(--api-keys-file): 2 API keys of other, web" in service.log.read_text()
    assert other.key not in service.log.read_text()


def test_listening_beyond_loopback_without_keys_is_warned_of_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--host", "0.0.0.0", "--models", str(tmp_path), "--device", "cpu"]) == 1
    warning = "anybody who reaches 0.0.0.0 may use the service"
    assert capsys.readouterr().err.count(warning) == 1
    assert main(["serve", "--models", str(tmp_path), "--device", "cpu"]) == 1
    assert "anybody" not in capsys.readouterr().err


def test_a_service_behind_a_proxy_without_keys_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxied = ["serve", "--models", str(tmp_path), "--device=cpu", "--trusted-proxies=127.0.0.1"]
    assert main(proxied) == 1
    told = capsys.readouterr().err
    assert "127.0.0.1 through a proxy (SERVICE_TRUSTED_PROXIES) may use the service" in told
    assert main([*proxied, f"--api-keys={lines(WEB)}"]) == 1
    assert "anybody" not in capsys.readouterr().err
