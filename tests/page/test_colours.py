"""Colours of the page stand out from what is behind them."""

import re

import pytest

from tests.page.conftest import PLAYGROUND

PAIR = r"light-dark\((#\w{6}), (#\w{6})\)"


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour, 0 to 1 (WCAG 2.2, section 8)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(_luminance(each) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_marks_of_the_map_have_a_contrast_of_3_to_1_with_room_to_spare(scheme: int) -> None:
    tokens = (PLAYGROUND / "shared" / "tokens.css").read_text()
    view = (PLAYGROUND / "codings" / "view.css").read_text()
    grounds = re.findall(rf"--raised: {PAIR}", tokens)
    classes = re.findall(rf"\.class-\d {{ --class: {PAIR}", view)
    assert len(grounds) == 1
    assert len(classes) == 10
    assert min(_contrast(each[scheme], grounds[0][scheme]) for each in classes) > 3.3
