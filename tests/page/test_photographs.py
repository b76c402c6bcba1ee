"""What the page says of a photograph and of its file is true."""

import shutil
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.page.conftest import ROOT, Open
from tests.page.parts import (
    RUN,
    choose,
    crop,
    damaged,
    denoised,
    part,
    payload,
    requests,
    slide,
    small,
)
from tests.shipped import serving

pytestmark = pytest.mark.slow


def _download(page: Page, chosen: FilePayload) -> tuple[str, bytes, int]:
    """Return the name and the content of the denoised file, and how many runs it took."""
    runs = requests(page, RUN)
    choose(page, chosen)
    denoised(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    return saved.value.suggested_filename, Path(saved.value.path()).read_bytes(), len(runs)


@pytest.mark.parametrize(
    ("name", "options", "output", "runs"),
    [
        ("a.jpg", {"dpi": (300, 300)}, "a-denoised.jpg", 1),
        ("a.jpg", {"comment": b"by hand"}, "a-denoised.jpg", 2),
        ("a.tif", {"dpi": (72.5, 300)}, "a-denoised.tif", 2),
        ("a.heic", {}, "a-denoised.heic", 1),
        ("a.bmp", {}, "a-denoised.png", 1),
    ],
)
def test_the_file_is_that_which_the_service_answers(
    open_view: Open, url: str, name: str, options: dict[str, object], output: str, runs: int
) -> None:
    if name.endswith("heic"):
        pytest.importorskip("pillow_heif").register_heif_opener()
    page = open_view()
    chosen = payload(crop(), name, **options)
    received, content, taken = _download(page, chosen)
    assert (received, taken) == (output, runs)
    assert content == httpx.post(f"{url}/denoise", content=chosen["buffer"], timeout=60).content
    expect(page.locator("#program-curl")).to_contain_text(f"-o {output}")


def test_a_truncated_photograph_does_not_look_whole(open_view: Open) -> None:
    page = open_view()
    choose(page, damaged(payload(crop(), "night.jpg"), 4000))
    denoised(page)
    expect(part(page, "warning")).to_contain_text("truncated; rows")
    small(page)
    expect(part(page, "warning")).to_be_hidden()


def test_the_noise_level_that_is_shown_is_the_one_that_was_found(open_view: Open, url: str) -> None:
    page = open_view()
    runs = requests(page, RUN)
    small(page)
    photograph = payload(crop(), "night.jpg")["buffer"]
    answer = httpx.post(f"{url}/denoise", content=photograph, timeout=60)
    level = float(answer.headers["x-noise-sigma"])
    expect(part(page, "found")).to_have_text(f"Noise found: {level:.1f} of 255")
    expect(part(page, "automaticHint")).to_be_hidden()
    page.get_by_label("Find the noise level").uncheck()
    expect(part(page, "unset")).to_have_text("As found, until you move it.")
    page.wait_for_timeout(400)
    assert len(runs) == 1
    expect(part(page, "sigma")).to_have_value(f"{level:.0f}")
    expect(part(page, "sigma")).to_have_attribute("aria-valuetext", f"{level:.0f}")
    expect(part(page, "level").locator("output")).to_have_text(f"{level:.0f}")
    slide(page, "sigma", 12)
    expect(part(page, "stale")).to_have_text("Being denoised anew")
    expect(part(page, "stale")).to_be_hidden()
    expect(part(page, "unset")).to_be_hidden()
    assert ["sigma=12" in run.url for run in runs] == [False, True]


def test_a_model_without_an_estimator_is_blind_or_told(browser: Browser, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "photo" / "1", models / "photo" / "1")
    with serving(ROOT, tmp_path, SERVICE_MODELS=str(models)) as url, browser.new_page() as page:
        page.goto(url)
        small(page)
        expect(part(page, "found")).to_be_hidden()
        expect(part(page, "automaticHint")).to_be_visible()
        page.get_by_label("Noise level unknown").uncheck()
        expect(part(page, "automaticHint")).to_be_hidden()
        expect(part(page, "unset")).to_have_text("Not used until you move it.")


def test_added_noise_is_made_beside_the_page_and_stays_with_its_photograph(
    open_view: Open,
) -> None:
    page = open_view()
    workers: list[str] = []
    page.on("worker", lambda worker: workers.append(worker.url.rpartition("/")[2]))
    runs = requests(page, RUN)
    small(page)
    page.get_by_text("Is it clean? Add noise").click()
    part(page, "kind").select_option("white")
    expect(part(page, "scores")).to_be_visible()
    assert workers == ["worker.js"] * 2  # for the noise, and to measure it
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    assert saved.value.suggested_filename == "night-denoised.jpg"  # as it came
    assert len(runs) == 2  # of the clean picture and of the noisy one
    small(page, "scan")
    expect(part(page, "kind")).to_have_value("")
    expect(part(page, "scores")).to_be_hidden()
    expect(part(page, "sizes")).to_contain_text("before")


def test_noise_is_not_added_to_large_photographs_which_is_said(open_view: Open) -> None:
    page = open_view()
    choose(page, payload(Image.new("RGB", (4001, 3000)), "large.png"))
    page.get_by_text("Is it clean? Add noise").click()
    expect(part(page, "refusal")).to_have_text(
        "Noise can be added to photographs of up to 12 megapixels."
    )
    expect(part(page, "kind")).to_be_disabled()


def test_a_sample_that_cannot_be_fetched_is_told(open_view: Open) -> None:
    page = open_view()
    page.route("**/night.jpg", lambda route: route.abort())
    page.get_by_role("button", name="Night").click()
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")


def test_nothing_moves_or_is_cut_off(open_view: Open) -> None:
    page = open_view(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => {"
        " for (const each of list.getEntries()) if (!each.hadRecentInput) shift += each.value;"
        " }).observe({type: 'layout-shift', buffered: true}); }"
    )
    small(page)
    expect(part(page, "sizes")).to_contain_text("after")
    assert page.evaluate("shift") < 0.1
    assert page.evaluate("document.getAnimations().length") == 0
    spare = part(page, "effort").evaluate(
        "(each) => { const style = getComputedStyle(each);"
        " const context = document.createElement('canvas').getContext('2d');"
        " context.font = style.font;"
        " const texts = [...each.options].map(({text}) => context.measureText(text).width);"
        " const around = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + 20;"
        " return each.clientWidth - around - Math.max(...texts); }"  # 20 for the arrow
    )
    assert spare >= 0
    wide = open_view(viewport={"width": 2560, "height": 1440})
    small(wide)
    assert wide.evaluate("document.documentElement.scrollWidth") <= 2560
