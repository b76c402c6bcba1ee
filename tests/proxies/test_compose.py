"""nginx in Compose: what it mounts, and whom the service believes."""

import ipaddress
import re
from typing import Any

import pytest
import yaml

from service.settings import Settings
from tests.proxies.proxy import DEPLOY

ROOT = DEPLOY.parent
INSTANCES = re.compile(r"^upstream .*?^}", re.MULTILINE | re.DOTALL)


class Tags(yaml.SafeLoader):  # type: ignore[misc]
    """Reads Compose's own tags as what they are before."""


Tags.add_constructor("!reset", lambda *_: None)


@pytest.fixture
def compose() -> dict[str, Any]:
    """The file that adds nginx."""
    text = (DEPLOY / "nginx" / "docker-compose.yml").read_text()
    found: dict[str, Any] = yaml.load(text, Tags)
    return found


def test_what_nginx_reads_are_files_of_the_clone(compose: dict[str, Any]) -> None:
    nginx = compose["services"]["nginx"]
    mounts = dict(each.rsplit(":", 2)[:2] for each in nginx["volumes"])
    files = {each: target for each, target in mounts.items() if each.startswith("./")}
    assert set(files.values()) == {f"/etc/nginx/conf.d/{each}.conf" for each in NAMES}
    assert all((ROOT / each).is_file() for each in files)
    # Compose refuses a configuration whose content is in its own file where `read_only` is true.
    assert nginx["read_only"]
    assert "configs" not in compose
    assert "configs" not in nginx


NAMES = ("default", "upstream")
"""`default.conf`, so that the image's own site is none."""


def test_nginx_has_the_same_instances_by_the_name_of_the_service(compose: dict[str, Any]) -> None:
    on_the_host, here = (
        directives((DEPLOY / "nginx" / name).read_text())
        for name in ("upstream.conf", "upstream.compose.conf")
    )
    assert here == [each.replace("127.0.0.1:8000", "service:8000 resolve") for each in on_the_host]
    assert set(compose["services"]) == {"service", "nginx"}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert "service" in services
    # The pinned series knows `resolve`.
    assert tuple(map(int, compose["services"]["nginx"]["image"][6:].split("."))) >= (1, 28)


def directives(text: str) -> list[str]:
    (block,) = INSTANCES.findall(text)
    lines = (each.strip() for each in block.splitlines())
    return [each for each in lines if each and not each.startswith("#")]


def test_the_service_believes_the_network_that_nginx_alone_shares_with_it(
    compose: dict[str, Any],
) -> None:
    service, nginx = (compose["services"][each] for each in ("service", "nginx"))
    (shared,) = nginx["networks"]
    assert set(service["networks"]) == {"default", shared}  # Prometheus is in the first alone
    (config,) = compose["networks"][shared]["ipam"]["config"]
    # Docker gives out all addresses itself: none is taken when a container wants it.
    assert config.keys() == {"subnet"}
    assert service["environment"] == {"SERVICE_TRUSTED_PROXIES": config["subnet"]}
    (network,) = re.findall(r"\$\{\w+:-(\S+)\}", config["subnet"])
    assert ipaddress.ip_network(network).is_private
    assert Settings(trusted_proxies=network).trusted_proxies == (network,)
    assert service["ports"] is None
