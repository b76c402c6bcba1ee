"""Everybody can use the page: axe-core finds nothing, in both schemes, and 360 pixels suffice."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import Open
from tests.page.parts import small

pytestmark = pytest.mark.slow


def _start(page: Page) -> None:
    page.get_by_role("button", name="Night").wait_for()


def _work(page: Page) -> None:
    small(page)
    expect(page.locator("[data-part=sizes]")).to_contain_text("after")
    page.get_by_text("Is it clean? Add noise").click()
    page.get_by_text("The same from programs").click()


def _codings(page: Page) -> None:
    page.locator("[data-part=legend] li").first.wait_for()


def _models(page: Page) -> None:
    page.get_by_role("article").first.wait_for()


def _card(page: Page) -> None:
    page.get_by_role("link", name="Card of photo 2").click()
    page.get_by_role("dialog").wait_for()


VIEWS: Mapping[str, tuple[str, Callable[[Page], None]]] = {
    "start": ("denoise", _start),
    "work": ("denoise", _work),
    "codings": ("codings", _codings),
    "models": ("models", _models),
    "card": ("models", _card),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(
    open_view: Open, view: str, scheme: Literal["light", "dark"]
) -> None:
    name, reach = VIEWS[view]
    page = open_view(name, color_scheme=scheme, reduced_motion="reduce")
    reach(page)
    results: Any = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_small_phone(open_view: Open, view: str) -> None:
    name, reach = VIEWS[view]
    page = open_view(name, viewport={"width": 360, "height": 740})
    reach(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_page_is_used_by_keys_alone(open_view: Open) -> None:
    page = open_view()
    _start(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("Tab")  # the button to choose a file, then the first sample
    expect(page.get_by_role("button", name="Night")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=frame]")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("slider", name="Divider")).to_be_focused()
