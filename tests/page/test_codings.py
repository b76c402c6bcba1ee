"""People look into codings and models on the page, in Chromium, with the shipped models."""

import json
import re

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import PLAYGROUND, Open
from tests.page.parts import payload

pytestmark = pytest.mark.slow

SUM = """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
  .reduce((sum, value, index) => sum + value * (index % 251), 0)"""


def _part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-part={name}]")


def _opened(open_view: Open) -> Page:
    page = open_view("codings")
    expect(_part(page, "errorCaption")).to_contain_text("mean square")
    return page


def _changes(page: Page, canvas: Locator, act: object) -> None:
    """Expect a canvas to show something else after an action."""
    before = canvas.evaluate(SUM)
    act()  # type: ignore[operator]
    page.wait_for_function(
        f"([canvas, before]) => ({SUM})(canvas) !== before", arg=[canvas.element_handle(), before]
    )


def test_a_picture_is_encoded_and_painted_again(open_view: Open) -> None:
    page = _opened(open_view)
    expect(_part(page, "count")).to_have_text("its coding: 30 numbers")
    error = float(_part(page, "errorCaption").inner_text().rpartition(" ")[2])
    assert 0 < error < 0.03
    output = _part(page, "output")
    _changes(page, output, page.get_by_role("button", name="trousers").click)
    for model, count in (("convolutional", "3 × 3 × 64"), ("sparse-kl", "300")):
        _part(page, "model").select_option(model)
        expect(_part(page, "count")).to_have_text(f"its coding: {count} numbers")
    expect(_part(page, "numbersHint")).to_contain_text("Drag the bars")
    _part(page, "model").select_option("convolutional")
    expect(_part(page, "numbersHint")).to_contain_text("Choose a square")


def test_numbers_are_changed_by_sliders_and_by_dragging_bars(open_view: Open) -> None:
    page = _opened(open_view)
    output = _part(page, "output")
    page.get_by_role("spinbutton", name="Number").fill("6")
    value = page.get_by_label("Its value")
    _changes(page, output, lambda: value.press("Home"))
    box = _part(page, "bars").bounding_box()
    assert box

    def drag() -> None:
        page.mouse.move(box["x"] + box["width"] * 10.5 / 30, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 10.5 / 30, box["y"] + 5)
        page.mouse.up()

    _changes(page, output, drag)
    expect(page.get_by_role("spinbutton", name="Number")).to_have_value("11")
    changed = _part(page, "errorCaption").inner_text()
    page.get_by_role("button", name="As it was").click()
    expect(_part(page, "errorCaption")).not_to_have_text(changed)
    page.get_by_role("button", name="Set all to zero").click()
    expect(_part(page, "shown")).to_have_text("0.00")


def test_a_picture_is_drawn_by_mouse_and_by_keys(open_view: Open) -> None:
    page = _opened(open_view)
    pad = _part(page, "sketch")
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 120)
    page.mouse.up()
    expect(_part(page, "inputCaption")).to_have_text("your drawing")
    between = page.get_by_role("img", name="0 % of the way", exact=True)
    _changes(page, between, lambda: _part(page, "from").select_option("your drawing"))
    term = page.get_by_label("first").locator("..").locator("canvas")
    _changes(page, term, lambda: page.get_by_label("first").select_option("your drawing"))
    pad.focus()
    _changes(page, pad, lambda: pad.press("ArrowRight"))
    _changes(page, pad, lambda: pad.press("Space"))
    page.get_by_role("button", name="Clear").click()
    brightest = (
        "(each) => Math.max(...each.getContext('2d').getImageData(0, 0, 28, 28).data"
        ".filter((_, index) => index % 4 < 3))"
    )
    assert pad.evaluate(brightest) == 0


def test_ones_own_picture_is_fitted(open_view: Open) -> None:
    page = _opened(open_view)
    photo = Image.open(PLAYGROUND / "samples" / "photographs" / "film.jpg")
    _part(page, "file").last.set_input_files(payload(photo, "own.jpg"))
    expect(_part(page, "inputCaption")).to_have_text("your picture")
    _changes(page, _part(page, "input"), page.get_by_label("Negative").check)


def test_noise_is_only_for_models_that_remove_it(open_view: Open) -> None:
    page = _opened(open_view)
    expect(_part(page, "noise")).to_be_hidden()
    _part(page, "model").select_option("denoising-dropout")
    expect(_part(page, "noise")).to_be_visible()
    _part(page, "noise").get_by_label("Noise").select_option("dead")
    expect(_part(page, "inputCaption")).to_have_text("boot, with noise")


def test_pictures_lie_between_pictures_and_codings_are_added(open_view: Open) -> None:
    page = _opened(open_view)
    between = page.get_by_role("img", name="What lies there")
    _changes(page, between, lambda: page.get_by_label("How far").press("Home"))
    _changes(
        page,
        page.get_by_role("img", name="50 % of the way"),
        lambda: _part(page, "to").select_option("bag"),
    )
    result = page.get_by_role("img", name="What the sum stands for")
    _changes(page, result, lambda: page.get_by_label("plus").select_option("boot"))


def test_the_recurrent_model_paints_more_rows(open_view: Open) -> None:
    page = _opened(open_view)
    expect(_part(page, "length")).to_be_hidden()
    _part(page, "model").select_option("recurrent")
    page.get_by_label(re.compile("Length")).press("End")
    page.wait_for_function("() => document.querySelector('[data-part=output]').height === 84")


def test_the_map_shows_pictures_and_takes_their_codings(open_view: Open) -> None:
    page = _opened(open_view)
    _part(page, "model").select_option("recurrent")
    atlas = _part(page, "map")
    atlas.scroll_into_view_if_needed()
    atlas.focus()
    page.keyboard.press("ArrowRight")
    expect(_part(page, "mapStatus")).to_contain_text("of 600")
    expect(_part(page, "point")).to_be_visible()
    page.wait_for_function(f"() => ({SUM})(document.querySelector('[data-part=pointPicture]')) > 0")
    page.keyboard.press("Enter")
    expect(_part(page, "model")).to_have_value("stacked")
    expect(_part(page, "input")).to_be_hidden()
    assert _part(page, "count").inner_text().startswith("coding of ")
    bars, output = (_part(page, name).bounding_box() for name in ("bars", "output"))
    assert bars
    assert output
    assert bars["width"] > output["width"]  # as with a picture
    drawn = json.loads((PLAYGROUND / "codings" / "map.json").read_text())
    assert _part(page, "legend").inner_text().split("\n") == drawn["classes"]
    atlas.hover(position={"x": 5, "y": 300})
    expect(_part(page, "point")).to_be_hidden()
    _part(page, "model").select_option("convolutional")  # a coding is of one model only
    expect(_part(page, "count")).to_have_text("its coding: 3 × 3 × 64 numbers")


def test_the_nearest_pictures_follow_what_is_chosen_changed_and_taken(open_view: Open) -> None:
    page = _opened(open_view)
    title, buttons = _part(page, "nearestTitle"), _part(page, "neighbours").get_by_role("button")
    expect(title).to_have_text("Nearest to boot")
    expect(buttons).to_have_count(8)
    expect(buttons.first).to_have_text(re.compile("^Ankle boot.*0.00$"))  # the boot is on the map
    first = buttons.first.locator("canvas")
    page.wait_for_function(f"(canvas) => ({SUM})(canvas) > 0", arg=first.element_handle())
    points = _part(page, "points")
    points.scroll_into_view_if_needed()
    _changes(page, points, lambda: page.get_by_role("button", name="bag", exact=True).click())
    expect(title).to_have_text("Nearest to bag")
    expect(buttons.first).to_contain_text("Bag")
    before = buttons.first.inner_text()
    page.get_by_role("button", name="Set all to zero").click()
    expect(buttons.first).not_to_have_text(before)
    _part(page, "model").select_option("convolutional")  # the map's model encodes the picture
    page.get_by_role("button", name="trousers").click()
    expect(title).to_have_text("Nearest to trousers")
    expect(buttons.first).to_contain_text("Trouser")
    photo = Image.open(PLAYGROUND / "samples" / "garments" / "sneaker.png")
    _part(page, "file").last.set_input_files(payload(photo, "own.png"))
    expect(title).to_have_text("Nearest to your picture")
    expect(buttons.first).to_contain_text("Sneaker")
    buttons.nth(1).click()
    expect(_part(page, "model")).to_have_value("stacked")
    expect(_part(page, "count")).to_contain_text("from the map")
    expect(buttons).to_have_count(8)
    expect(buttons.first).not_to_contain_text("0.00")  # itself is left out


def test_the_map_has_no_nearest_pictures_without_an_index(open_view: Open) -> None:
    page = open_view("denoise")

    def without(route: Route) -> None:
        answer = route.fetch()
        models = answer.json()
        for each in models["models"]:
            each["manifest"].pop("index", None)
        route.fulfill(response=answer, json=models)

    page.route("**/models", without)
    page.goto(page.url.replace("denoise", "codings"))
    page.reload()
    expect(_part(page, "mapHint")).to_contain_text("test pictures")
    expect(_part(page, "nearest")).to_be_hidden()


def test_models_are_shown_with_their_cards(open_view: Open) -> None:
    page = open_view("models")
    photo = page.get_by_role("article").filter(has=page.get_by_role("heading", name="photo")).first
    for text in ("ready", "photographs of any size", "CPU", "MB", "dB"):
        expect(photo).to_contain_text(text)
    page.get_by_role("link", name="Card of photo 2").click()
    dialog = page.get_by_role("dialog", name="Model card")
    expect(dialog.get_by_role("heading", name="Limits")).to_be_visible()
    assert dialog.get_by_role("table").count() > 2
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
