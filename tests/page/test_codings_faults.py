"""Codings and models while the service fails or is slow: what went wrong stays where it did."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.page.conftest import Open
from tests.page.parts import part

pytestmark = pytest.mark.slow
UNREACHABLE = "The service cannot be reached. Is it still running?"


@pytest.fixture
def page(open_view: Open) -> Page:
    page = open_view("codings")
    expect(part(page, "errorCaption")).to_contain_text("mean square")
    return page


def test_a_slider_shows_and_says_the_same_two_decimals(page: Page) -> None:
    value = page.get_by_label("Its value")
    value.press("ArrowRight")
    shown = part(page, "shown")
    expect(shown).to_have_text(re.compile(r"^-?\d\.\d\d$"))
    expect(value).to_have_attribute("aria-valuetext", shown.inner_text())
    page.get_by_role("button", name="Set all to zero").click()
    expect(shown).to_have_text("0.00")
    expect(value).to_have_attribute("aria-valuetext", "0.00")


def test_a_picture_that_is_not_there_is_told_until_there_is_one(page: Page) -> None:
    page.route("**/garments/*", lambda route: route.abort())
    page.get_by_role("button", name="bag").click()
    fault = part(page, "pictureFault")
    expect(fault).to_have_text(UNREACHABLE)
    with page.expect_response(re.compile("/decode")):
        page.get_by_label("Its value").press("Home")
    page.get_by_label("plus").select_option("boot")
    expect(part(page, "sumFault")).to_have_text(UNREACHABLE)
    expect(fault).to_be_visible()
    page.unroute("**/garments/*")
    page.get_by_role("button", name="bag").click()
    expect(fault).to_be_hidden()
    expect(part(page, "sumFault")).to_be_visible()


def test_codings_are_decoded_by_their_own_model_until_there_are_others(page: Page) -> None:
    held: list[Route] = []
    encoding = re.compile(r"/encode\?.*model=convolutional")

    def hold(route: Route) -> None:
        held.append(route)

    page.route(encoding, hold)
    part(page, "model").select_option("convolutional")
    for slider in ("Its value", "How far"):
        with page.expect_request(re.compile("/decode")) as asked:
            page.get_by_label(slider).press("Home")
        assert "model=stacked" in asked.value.url
    page.unroute(encoding)  # lets those go on that were held
    expect(part(page, "count")).to_have_text("its coding: 3 × 3 × 64 numbers")


def test_models_start_with_those_of_photographs_and_a_card_that_is_not_there_is_told(
    open_view: Open,
) -> None:
    page = open_view("models")
    expect(page.get_by_role("article").first).to_contain_text("photographs of any size")
    expect(page.get_by_role("main")).to_contain_text("PSNR, Gaussian noise of 0.1")
    expect(page.get_by_role("main")).not_to_contain_text("PSNR, gaussian")
    page.route("**/card", lambda route: route.abort())
    page.get_by_role("link", name="Card of photo 2").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text(UNREACHABLE)
