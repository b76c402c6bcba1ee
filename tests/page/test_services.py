"""The page with other services: without jobs, with a model that finds the noise level, stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import PLAYGROUND
from tests.page.parts import part, payload, slide
from tests.service.running import Running, running
from tests.service.tiny import write_model

pytestmark = pytest.mark.slow


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    """A service without jobs, over a tiny model that estimates the noise of photographs."""
    for name in ("half", "mirror", "informed"):
        write_model(tmp_path / "models", name)
    with running(tmp_path / "models", "--jobs-dir=", "--default-picture=informed") as service:
        yield service


@pytest.fixture
def page(browser: Browser, service: Running) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.url)
    yield page
    context.close()


def _choose(page: Page) -> None:
    picture = Image.open(PLAYGROUND / "samples" / "photographs" / "scan.jpg")
    part(page, "file").set_input_files(payload(picture, "scan.jpg"))
    expect(part(page, "status")).to_contain_text("Denoised by informed")


def test_without_jobs_plain_requests_are_sent_and_the_noise_that_is_found_is_told(
    page: Page,
) -> None:
    _choose(page)
    expect(part(page, "found")).to_contain_text("Noise found: ")
    found = float(part(page, "found").inner_text().split()[2])
    page.get_by_label("Find the noise level").uncheck()
    expect(part(page, "level")).to_be_visible()
    assert float(part(page, "sigma").input_value()) == round(found)
    slide(page, "sigma", 12)  # nothing is asked for until then
    expect(part(page, "found")).to_be_hidden()
    expect(part(page, "status")).to_contain_text("Denoised by informed")


def test_a_service_that_cannot_be_reached_is_told_in_words(page: Page) -> None:
    _choose(page)
    page.context.set_offline(True)
    page.get_by_label("Effort").select_option("2")
    expect(part(page, "faultText")).to_have_text(
        "The service cannot be reached. Is it still running?"
    )
    page.context.set_offline(False)
    page.get_by_role("button", name="Denoise", exact=True).click()
    expect(part(page, "fault")).to_be_hidden()
    expect(part(page, "status")).to_contain_text("Denoised by informed")


def test_without_photographs_models_the_page_says_so(browser: Browser, tmp_path: Path) -> None:
    for name in ("half", "mirror"):
        write_model(tmp_path / "models", name)
    with running(tmp_path / "models") as service:
        page = browser.new_page()
        page.goto(service.url)
        page.get_by_role("button", name="Night").click()
        expect(page.get_by_role("alert")).to_contain_text(
            "no model that is ready takes photographs"
        )
        page.close()


def test_models_of_rows_and_of_colours_say_what_they_take_and_are_not_asked_for_garments(
    tmp_path: Path, browser: Browser
) -> None:
    takes = {
        "dim-colours": "pictures of 3 × 2, colour",
        "series": "windows of 3 rows of x, y",
        "table": "rows of size, colour",
    }
    for name in takes:
        write_model(tmp_path / "models", name)
    defaults = [f"--default-{each}=table" for each in ("encode", "decode")]
    off = [f"--default-{each}=" for each in ("denoise", "picture")]
    with running(tmp_path / "models", *defaults, *off) as service:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{service.url}/#/models")
        for name, words in takes.items():
            card = page.get_by_role("article").filter(has=page.get_by_role("heading", name=name))
            expect(card.get_by_text(words, exact=True)).to_be_visible()
            expect(card).to_contain_text("reconstructs, scores anomalies")
        page.goto(f"{service.url}/#/codings")
        told = "no model that encodes and decodes gray pictures of 28 × 28 pixels"
        expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
        context.close()
