"""The page's frame: the view that the address names, the link to the content, views that fail."""

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Open

pytestmark = pytest.mark.slow
FIRST = "Take the noise out of a photograph"


def _heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_views_have_addresses_and_titles(open_view: Open) -> None:
    page = open_view("models")
    expect(page).to_have_title("Models · autoencoder-service")
    page.get_by_role("link", name="Codings").click()
    expect(page).to_have_title("Codings · autoencoder-service")
    expect(page.get_by_role("link", name="Codings")).to_have_attribute("aria-current", "page")
    page.go_back()
    _heading(page, "Models")


def test_the_link_to_the_content_keeps_the_view_also_when_the_page_is_loaded_again(
    open_view: Open,
) -> None:
    page = open_view("models")
    _heading(page, "Models")
    page.get_by_role("link", name="Skip to the content").press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.reload()
    _heading(page, "Models")


@pytest.mark.parametrize("view", ["constructor", "none"])
def test_an_unknown_address_shows_the_first_view(open_view: Open, view: str) -> None:
    _heading(open_view(view), FIRST)


def test_a_view_that_cannot_be_loaded_says_so_until_it_can_be(open_view: Open) -> None:
    page = open_view()
    alert = page.get_by_role("alert").filter(has_text="This view could not be loaded")
    again = page.get_by_role("button", name="Try again")
    for file in ("view.html", "view.css", "card.js"):  # card.js is a module of view.js
        page.route(f"**/models/{file}", lambda route: route.abort())
    for file in ("view.html", "view.css", "card.js"):
        tried = page.get_by_role("link", name="Models") if file == "view.html" else again
        with page.expect_request(f"**/models/{file}"):
            tried.click()
        expect(alert).to_be_visible()
        page.unroute(f"**/models/{file}")
    again.click()
    _heading(page, "Models")
    expect(alert).to_be_hidden()
    page.get_by_role("link", name="Denoise").click()
    _heading(page, FIRST)
