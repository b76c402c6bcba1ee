"""The page of Ray's HAProxy."""

from email.parser import BytesParser
from pathlib import Path

import pytest

from service.ray import error_page
from service.ray.error_page import NAME, page, write_page

RAYS = b"HTTP/1.1 500 Internal Server Error\r\n\r\n"


def test_it_is_a_problem_that_says_when_to_try_again() -> None:
    head, _, body = page().partition(b"\r\n\r\n")
    status, _, lines = head.partition(b"\r\n")
    headers = BytesParser().parsebytes(lines)
    assert status == b"HTTP/1.1 503 Service Unavailable"
    assert headers["Content-Type"] == "application/problem+json"
    assert int(headers["Content-Length"]) == len(body)
    assert headers["Retry-After"] == "1"
    assert b'"code":"replica-lost"' in body.replace(b" ", b"")


@pytest.mark.parametrize("enabled", ["0", "1"])
def test_it_takes_the_place_of_rays_where_haproxy_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enabled: str
) -> None:
    monkeypatch.setenv(error_page.ENABLED, enabled)
    monkeypatch.setenv(error_page.CONFIGURATION, str(tmp_path / "haproxy.cfg"))
    write_page()
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "0123" / NAME
    file.parent.mkdir()
    file.write_bytes(RAYS)
    write_page()
    assert file.read_bytes() == (page() if enabled == "1" else RAYS)
    assert list(file.parent.iterdir()) == [file]
