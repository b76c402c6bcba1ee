"""/docs, with "Try it out", in Chromium: every operation has an example that works."""

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.page.conftest import PLAYGROUND, Open
from tests.page.parts import payload

pytestmark = pytest.mark.slow


@pytest.fixture
def documentation(open_view: Open, url: str) -> Page:
    page = open_view()
    page.goto(f"{url}/docs")
    return page


def _tried(page: Page, path: str) -> None:
    page.locator(f"[data-path='{path}']").first.click()
    page.get_by_role("button", name="Try it out").click()


@pytest.mark.parametrize("operation", ["encode", "decode"])
def test_an_example_of_numbers_works_as_it_is(documentation: Page, operation: str) -> None:
    _tried(documentation, f"/{operation}")
    documentation.get_by_role("button", name="Execute").click()
    received = documentation.locator(".live-responses-table .response-col_status").last
    expect(received).to_contain_text("200")


def test_a_photograph_is_answered_with_a_picture(documentation: Page) -> None:
    _tried(documentation, "/denoise")
    picture = Image.open(PLAYGROUND / "samples" / "photographs" / "scan.jpg").crop((0, 0, 200, 150))
    documentation.locator("input[type=file]").set_input_files(payload(picture, "part.png"))
    documentation.get_by_role("button", name="Execute").click()
    expect(
        documentation.locator(".live-responses-table .response-col_status").last
    ).to_contain_text("200")
    shown = documentation.locator(".live-responses-table img")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.naturalWidth") == 200
