"""Make the pictures of the page in docs/figures: `python -m docs.screenshots http://127.0.0.1:8000`.

It needs a running service with the shipped models and a Chromium, on PATH or named by
SERVICE_CHROMIUM.
"""

import argparse
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Page, ViewportSize, sync_playwright

FIGURES = Path(__file__).parent / "figures"
DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)
QUALITY = 85
PATIENCE = 120_000
"""Milliseconds."""


class Shot(NamedTuple):
    """A picture of a view.

    Attributes:
        name: Of its file, without the suffix.
        view: As the address names it.
        scheme: Of the colours.
        size: Of the window.
        reach: What a person would do before.
    """

    name: str
    view: str
    scheme: Literal["light", "dark"]
    size: ViewportSize
    reach: Callable[[Page], None]


def start(page: Page) -> None:
    """Wait for the samples."""
    page.get_by_role("button", name="Clean").wait_for()
    page.wait_for_load_state("networkidle")


def night(page: Page) -> None:
    """Denoise the photograph of a city at night."""
    page.get_by_role("button", name="Night").click()
    page.locator("[data-part=sizes]", has_text="after").wait_for()


def codings(page: Page) -> None:
    """Wait for the map, the last thing to appear."""
    page.locator("[data-part=legend] li").first.wait_for()
    page.wait_for_load_state("networkidle")


def models(page: Page) -> None:
    """Wait for the cards."""
    page.get_by_role("article").first.wait_for()


SHOTS = (
    Shot("page-start", "denoise", "light", DESK, start),
    Shot("page-denoise-light", "denoise", "light", DESK, night),
    Shot("page-denoise-dark", "denoise", "dark", DESK, night),
    Shot("page-denoise-phone", "denoise", "dark", PHONE, night),
    Shot("page-codings", "codings", "light", DESK, codings),
    Shot("page-models", "models", "dark", DESK, models),
)


def main() -> None:
    """Write every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the service is")
    parser.add_argument("--out", type=Path, default=FIGURES)
    options = parser.parse_args()
    path = os.environ.get("SERVICE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for shot in SHOTS:
            context = browser.new_context(
                viewport=shot.size, color_scheme=shot.scheme, reduced_motion="reduce"
            )
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.goto(f"{options.url.rstrip('/')}/#/{shot.view}")
            shot.reach(page)
            page.screenshot(path=options.out / f"{shot.name}.jpg", type="jpeg", quality=QUALITY)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
