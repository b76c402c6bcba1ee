"""Arguments of the application: settings, checked before anything is deployed."""

from pathlib import Path
from typing import Any

import pytest

from service.errors import StartupError
from service.ray.arguments import FOREIGN, checked
from service.settings import Settings


def test_arguments_are_settings_of_the_service() -> None:
    given = checked({"models": "/models", "timeout": "7.5", "trusted_proxies": "10.0.0.0/8"})
    assert given.layout == "combined"
    settings = given.settings
    assert (settings.models, settings.timeout) == (Path("/models"), 7.5)
    assert settings.trusted_proxies == ("10.0.0.0/8",)
    assert (settings.controls_repository, settings.jobs_dir) == (False, "")


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"layout": "both"}, "layout: expected 'combined' or 'split', received 'both'"),
        ({"treads": 4}, "treads: expected no such field, received 4"),
        ({"max_batch": 0}, "max_batch: expected at least 1, received 0"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: dict[str, Any], detail: str) -> None:
    with pytest.raises(StartupError) as raised:
        checked(arguments)
    assert str(raised.value) == detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_keys", "mobile:abcdef"),
        ("jobs_url", "redis://:abcdef@cache:6379/0"),
        ("rate_url", "rediss://user:abcdef@cache"),
        ("rate_url", "redis://cache/0?password=abcdef"),
        ("jobs_url", "redis://[:abcdef@cache"),
    ],
)
def test_a_secret_is_refused_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(StartupError, match=f"{name}: expected no secret .+ SERVICE_") as raised:
        checked({name: value})
    assert "abcdef" not in str(raised.value)


def test_the_url_of_a_redis_without_a_password_is_no_secret() -> None:
    url = "redis://user@cache:6379/0"
    assert checked({"jobs_url": url, "rate_url": url}).settings.jobs_url == url


@pytest.mark.parametrize("name", FOREIGN)
def test_what_means_nothing_on_ray_is_refused_with_what_does(name: str) -> None:
    assert name in Settings.model_fields
    with pytest.raises(StartupError, match=f"{name}: expected no such argument, as .+, received 1"):
        checked({name: 1})
