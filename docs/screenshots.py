"""Make the pictures of the page in docs/figures: `python -m docs.screenshots http://127.0.0.1:8000`.

With `--all --out FOLDER`, it makes pictures to look at instead: every view, light and dark, in
windows 360, 1280 and 2560 pixels wide, each of the whole page.

It needs a running service with the shipped models and a Chromium, on PATH or named by
SERVICE_CHROMIUM.
"""

import argparse
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Page, ViewportSize, sync_playwright

FIGURES = Path(__file__).parent / "figures"
DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)
SCREEN = ViewportSize(width=2560, height=1440)
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
        is_whole: Whether what lies below the window is in the picture, too.
    """

    name: str
    view: str
    scheme: Literal["light", "dark"]
    size: ViewportSize
    reach: Callable[[Page], None]
    is_whole: bool = False


def start(page: Page) -> None:
    """Wait for the samples."""
    page.get_by_role("button", name="Clean").wait_for()
    page.wait_for_load_state("networkidle")


def night(page: Page) -> None:
    """Denoise the photograph of a city at night."""
    page.get_by_role("button", name="Night").click()
    page.locator("[data-part=sizes]", has_text="after").wait_for()


def codings(page: Page) -> None:
    """Wait for the map and for what is painted from the codings."""
    page.locator("[data-part=legend] li").first.wait_for()
    page.locator("[data-part=errorCaption]", has_text="mean square").wait_for()
    page.wait_for_load_state("networkidle")


def models(page: Page) -> None:
    """Wait for the cards."""
    page.get_by_role("article").first.wait_for()


def card(page: Page) -> None:
    """Open the model card of the denoiser of photographs."""
    page.get_by_role("link", name="Card of photo 2").click()
    page.get_by_role("dialog").wait_for()


VIEWS: Mapping[str, tuple[str, Callable[[Page], None]]] = {
    "start": ("denoise", start),
    "denoise": ("denoise", night),
    "codings": ("codings", codings),
    "models": ("models", models),
    "card": ("models", card),
}
"""What can be seen: the view that the address names, and what a person would do there."""

SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
ALL = tuple(
    Shot(f"{name}-{scheme}-{size['width']}", view, scheme, size, reach, is_whole=name != "card")
    for name, (view, reach) in VIEWS.items()
    for scheme in SCHEMES
    for size in (PHONE, DESK, SCREEN)
)

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
    parser.add_argument("--all", action="store_true", help="every view; needs --out")
    parser.add_argument("--out", type=Path, help="a folder; by default docs/figures")
    options = parser.parse_args()
    if options.all and options.out is None:
        parser.error("--out: expected a folder for --all, received none")
    out = options.out or FIGURES
    out.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("SERVICE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for shot in ALL if options.all else SHOTS:
            context = browser.new_context(
                viewport=shot.size, color_scheme=shot.scheme, reduced_motion="reduce"
            )
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.goto(f"{options.url.rstrip('/')}/#/{shot.view}")
            shot.reach(page)
            path = out / f"{shot.name}.jpg"
            page.screenshot(path=path, type="jpeg", quality=QUALITY, full_page=shot.is_whole)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
