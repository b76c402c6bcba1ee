"""The web application of docs/tutorial.md denoises what a visitor of its page chooses."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.documents import ROOT, blocks
from tests.reader import Reader

pytestmark = pytest.mark.slow
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
SIZES = "images => images.map(image => [image.alt, image.naturalWidth, image.naturalHeight])"


@pytest.fixture(scope="module")
def application(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the application, started as the tutorial does."""
    with Reader(tmp_path_factory.mktemp("reader"), url) as reader:
        for block in blocks(TUTORIAL):
            if block.kind == "file":
                reader.save(block)
            elif "uvicorn" in block.text:
                reader.run(block)
        yield reader.application


@pytest.fixture
def page(browser: Browser, application: str) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(application)
    yield page
    page.close()


def test_a_photograph_is_shown_beside_what_is_left_without_its_noise(page: Page) -> None:
    photo = ROOT / "docs" / "examples" / "photo-noisy.jpg"
    page.get_by_label("A photograph").set_input_files(photo)
    expect(page.get_by_role("status")).to_have_text("Done")
    shown = page.locator("img").evaluate_all(SIZES)
    assert shown == [[photo.name, 384, 320], [f"{photo.name}, denoised", 384, 320]]


def test_a_large_photograph_is_a_job_with_progress(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "large.png"
    pixels = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    Image.fromarray(pixels).save(photo)
    assert photo.stat().st_size > 1_000_000
    with page.expect_response("**/jobs") as submitted:
        page.get_by_label("A photograph").set_input_files(photo)
    assert submitted.value.status == 202
    expect(page.get_by_role("status")).to_have_text("Done")
    shown = page.locator("img").evaluate_all(SIZES)
    assert shown == [[photo.name, 640, 640], [f"{photo.name}, denoised", 640, 640]]


def test_what_is_no_photograph_is_refused_in_the_words_of_the_service(page: Page) -> None:
    page.get_by_label("A photograph").set_input_files(ROOT / "LICENSE")
    expect(page.get_by_role("status")).to_contain_text("recognised as none of them")
    assert not page.locator("img").count()
