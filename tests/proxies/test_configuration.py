"""The configurations agree with the service's defaults, with each other and with the Helm chart."""

import re
from pathlib import Path

import yaml

from service.access.identity import INFER
from service.api.request import USABLE_ID
from service.api.scopes import scope_of
from service.server.limits import ConnectionLimits
from service.settings import Settings
from tests.proxies.direct import DIRECT
from tests.proxies.proxy import DEPLOY, UNPRIVILEGED

NGINX = (DEPLOY / "nginx" / "autoencoder-service.conf").read_text()
UPSTREAM = (DEPLOY / "nginx" / "upstream.conf").read_text()
HAPROXY = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
DEFAULTS = Settings.model_construct()


def nginx(directive: str, text: str = NGINX) -> str:
    """Return the one value of a directive."""
    (value,) = set(re.findall(rf"^ *{directive} +([^;]+);", text, re.MULTILINE))
    return str(value)


def haproxy(setting: str) -> str:
    """Return the one value of a setting."""
    (value,) = re.findall(rf"^ *{setting} +(\S+)", HAPROXY, re.MULTILINE)
    return str(value)


def seconds(text: str) -> int:
    assert text[-1] == "s"
    return int(text[:-1])


def test_bodies_are_bounded_as_the_service_bounds_them() -> None:
    most = str(DEFAULTS.max_body_bytes)
    assert nginx("client_max_body_size") == most
    assert f"at most {most} bytes" in NGINX
    assert f"hdr_val(content-length) gt {most}\n" in HAPROXY
    assert f"length gt {len(most)}\n" in HAPROXY
    assert HAPROXY.count(f"at most {most} bytes") == HAPROXY.count("status 413") == 2


def test_a_proxy_waits_for_as_long_as_the_service_may_take() -> None:
    chart = yaml.safe_load((DEPLOY / "helm" / "autoencoder-service" / "values.yaml").read_text())
    answer = chart["ingress"]["timeoutSeconds"]
    assert seconds(nginx("proxy_read_timeout")) == seconds(haproxy("timeout server")) == answer
    assert answer > DEFAULTS.timeout
    for text in (NGINX, HAPROXY):
        assert f"within {answer} s" in text
    for each in ("client_body_timeout", "send_timeout", "proxy_send_timeout"):
        assert seconds(nginx(each)) == DEFAULTS.timeout
    assert seconds(haproxy("timeout client")) == DEFAULTS.timeout
    connect = seconds(nginx("proxy_connect_timeout"))
    assert connect == seconds(haproxy("timeout connect"))
    assert connect < seconds(nginx("proxy_next_upstream_timeout")) < answer
    for head in (nginx("client_header_timeout"), haproxy("timeout http-request")):
        assert seconds(head) == DEFAULTS.head_seconds


def test_a_client_is_told_how_many_requests_it_may_have() -> None:
    most = nginx("limit_conn").removeprefix("clients ")
    assert f"at most {most} concurrent requests of an address" in NGINX
    assert (
        most == nginx("http2_max_concurrent_streams") == haproxy("tune.h2.max-concurrent-streams")
    )


def test_a_proxy_opens_no_more_connections_than_the_service_takes() -> None:
    assert 0 < int(haproxy("maxconn")) <= DEFAULTS.max_connections


def test_a_proxy_closes_idle_connections_before_the_service_does() -> None:
    kept = ConnectionLimits().idle_seconds
    assert seconds(nginx("keepalive_timeout", UPSTREAM)) < kept
    assert seconds(haproxy("default-server .* pool-purge-delay")) < kept


def test_a_proxy_asks_for_what_the_service_answers_to() -> None:
    assert f"127.0.0.1:{DEFAULTS.port} " in UPSTREAM
    assert f"127.0.0.1:{DEFAULTS.port}\n" in HAPROXY
    document = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text()
    path = haproxy("http-check send meth GET uri")
    assert f"`GET {path}`" in document


def test_a_request_id_is_passed_on_where_the_service_would_take_it() -> None:
    for text, tilde in ((NGINX, "\\~"), (HAPROXY, "~")):
        (pattern,) = re.findall(r"\^\[(!-\S+?)\]\{1,128\}\$", text)
        assert pattern == f"!-{tilde}"
    assert USABLE_ID.pattern == r"[\x21-\x7e]{1,128}"
    assert (chr(0x21), chr(0x7E)) == ("!", "~")


def test_paths_that_need_more_than_the_scope_infer_are_for_the_inside() -> None:
    endpoints = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text()
    paths = set(re.findall(r"^### `[A-Z]+ (\S+)`$", endpoints, re.MULTILINE))
    inside = {path for path in paths if scope_of(path) not in (None, INFER)}
    assert len(inside) == 3
    exact = re.findall(r"location = (\S+)", NGINX)
    beginnings = re.findall(r"location \^~ (\S+)", NGINX)
    assert {each for each in paths if each in exact or each.startswith(*beginnings)} == inside
    assert f"-m reg '^{exact[0]}($|[#?])'" in HAPROXY
    assert f"-m beg {beginnings[0]} " in HAPROXY


def test_haproxy_gives_up_the_rights_of_root() -> None:
    section = HAPROXY.partition("\ndefaults\n")[0].partition("\nglobal\n")[2].splitlines()
    assert set(UNPRIVILEGED) <= set(section)


def test_tests_that_a_proxy_is_left_out_of_exist() -> None:
    code = "\n".join(path.read_text() for path in (DEPLOY.parent / "tests").rglob("test_*.py"))
    assert [each for each in DIRECT if f"def {each}(" not in code] == []
