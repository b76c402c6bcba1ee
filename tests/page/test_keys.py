"""The page and Swagger UI with a service that needs API keys."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import PLAYGROUND
from tests.page.parts import part, payload
from tests.service.keys import lines, made
from tests.service.running import Running, running
from tests.service.tiny import write_model

pytestmark = pytest.mark.slow
WEB, OPS = made("web"), made("ops", "control")
PICTURE = Image.open(PLAYGROUND / "samples" / "photographs" / "scan.jpg").crop((0, 0, 200, 150))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("keys")
    for name in ("half", "mirror", "informed"):
        write_model(root / "models", name)
    (root / "keys").write_text(lines(WEB, OPS))
    flags = (f"--api-keys-file={root / 'keys'}", f"--jobs-dir={root / 'jobs'}")
    with running(root / "models", "--default-picture=informed", *flags) as service:
        yield service


@pytest.fixture
def page(browser: Browser, service: Running) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: faults.append(message.text) if "Security Policy" in message.text else None,
    )
    page.goto(service.url)
    yield page
    context.close()
    assert not faults


def _choose(page: Page, *names: str) -> None:
    part(page, "file").set_input_files([payload(PICTURE, name) for name in names])


def _give(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_a_photograph_is_denoised_once_a_key_is_given_which_the_tab_keeps(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _choose(page, "scan.png")
    expect(page.get_by_role("dialog", name="API key")).to_be_visible()
    results: Any = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    _give(page, "wrong")
    expect(page.get_by_role("alert").filter(has_text="does not know this key")).to_be_visible()
    _give(page, WEB.key)
    expect(part(page, "status")).to_contain_text("Denoised by informed")
    assert any(url.endswith("/events") for url in asked)  # a job, followed by its events
    assert not any(WEB.key in url for url in asked)
    page.get_by_text("The same from programs").click()
    expect(page.locator("#program-curl")).to_contain_text("Bearer $API_KEY")
    page.reload()
    _choose(page, "one.png", "two.png")
    expect(part(page, "status")).to_contain_text("Denoised by informed")
    expect(page.get_by_role("dialog", name="API key")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("all", re.IGNORECASE)).first.click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("article").first).to_be_visible()


def test_who_gives_no_key_or_one_that_may_not_is_told_so(page: Page) -> None:
    _choose(page, "scan.png")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(part(page, "startFault")).to_contain_text("This service needs an API key.")
    _choose(page, "scan.png")
    _give(page, OPS.key)
    expect(part(page, "startFault")).to_contain_text("Your API key does not allow this.")


def test_swagger_ui_sends_a_key_that_is_entered(page: Page, service: Running) -> None:
    page.goto(f"{service.url}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#auth-bearer-value").fill(WEB.key)
    page.locator(".auth-container").first.locator("button.authorize").click()
    page.locator(".btn-done").first.click()
    page.locator("[data-path='/models']").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    received = page.locator(".live-responses-table .response-col_status").last
    expect(received).to_contain_text("200")
