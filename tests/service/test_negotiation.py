"""Which media type a client accepts best."""

import pytest

from service.api.media_types import choose
from service.errors import NotAcceptable

OFFERED = ("image/png", "application/json", "image/webp")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "image/png"),
        ("*/*", "image/png"),
        ("application/json", "application/json"),
        ("APPLICATION/JSON", "application/json"),
        ("image/*", "image/png"),
        ("image/webp, */*", "image/png"),
        ("image/webp, */*;q=0.8", "image/webp"),
        ("image/png;q=0.1, image/*", "image/webp"),
        ("image/png;q=0, */*", "application/json"),
        ("image/*;q=0.1, */*", "application/json"),
        ("*/*;q=0.1, image/*;q=0", "application/json"),
        ("text/html, application/json;q=0.5", "application/json"),
        ("image/png;q=0.1, image/png, image/webp;q=0.5", "image/webp"),  # the first counts
        ("image/png;q=much, application/json;q=0.1", "application/json"),
        ("application/json;charset=utf-8", "application/json"),
    ],
)
def test_the_best_of_what_is_offered_is_chosen(accept: str, chosen: str) -> None:
    assert choose(accept, OFFERED) == chosen


def test_jpg_is_taken_for_jpeg() -> None:
    assert choose("image/jpg", ("image/png", "image/jpeg")) == "image/jpeg"


def test_nothing_acceptable_is_an_error_that_lists_the_offers() -> None:
    with pytest.raises(NotAcceptable, match="image/png, application/json, image/webp"):
        choose("text/html, image/*;q=0, application/json;q=0", OFFERED)
