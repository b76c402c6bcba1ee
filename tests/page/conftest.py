"""A running service and a Chromium that opens its page, without a way to any other host."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.shipped import serving

ROOT = Path(__file__).parents[2]
PLAYGROUND = ROOT / "service" / "playground"
PATIENCE = 60_000
"""Milliseconds: a busy machine denoises a photograph in some seconds."""

Open = Callable[..., Page]
"""Opens a view, "denoise" for example, in a new window with Playwright's options of a context."""


def chromium() -> str | None:
    """Return the path of a Chromium that is installed, $SERVICE_CHROMIUM if that is set."""
    named = os.environ.get("SERVICE_CHROMIUM")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next(filter(None, found), None)


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(ROOT, tmp_path_factory.mktemp("service"), SERVICE_TRUNCATED="accept") as url:
        yield url


@pytest.fixture(scope="module")  # Playwright's event loop must end before files of async tests
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("needs Chromium: on PATH, or named by SERVICE_CHROMIUM")
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", offline], timeout=PATIENCE
        )
        yield browser
        browser.close()


@pytest.fixture
def open_view(browser: Browser, url: str) -> Iterator[Open]:
    """Fails the test where the page asks another host, fails, or does what its policy forbids."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []
    host = urlsplit(url).netloc

    def asked(address: str) -> None:
        if urlsplit(address).scheme.startswith("http") and urlsplit(address).netloc != host:
            faults.append(f"asked {address}")

    def told(text: str) -> None:
        if "Content Security Policy" in text:
            faults.append(text)

    def opened(view: str = "denoise", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked(request.url))
        page.on("pageerror", lambda error: faults.append(f"failed: {error}"))
        page.on("console", lambda message: told(message.text))
        page.goto(f"{url}/#/{view}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults
