"""The parts of the page, and photographs that people choose."""

import io
import re
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, Request, Route, expect

from tests.page.conftest import PLAYGROUND

SAMPLES = PLAYGROUND / "samples" / "photographs"
KINDS = {
    "jpg": ("JPEG", "image/jpeg"),
    "png": ("PNG", "image/png"),
    "heic": ("HEIF", "image/heif"),  # as Chromium has it
    "tif": ("TIFF", "image/tiff"),
    "bmp": ("BMP", "image/bmp"),
}
"""Pillow's names and media types of files, by their suffixes."""
RUN = "/jobs?operation=denoise"
"""In the URL of what submits a job."""


def payload(image: Image.Image, name: str, **options: Any) -> FilePayload:
    """Return a picture as a file that people choose."""
    suffix = name.rpartition(".")[2]
    kind, media = KINDS[suffix]
    content = io.BytesIO()
    image.save(content, kind, **options)
    return {"name": name, "mimeType": media, "buffer": content.getvalue()}


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-part={name}]")


def damaged(photograph: FilePayload, missing: int) -> FilePayload:
    """Return a file without its last bytes."""
    content = photograph["buffer"][:-missing]
    return {"name": photograph["name"], "mimeType": photograph["mimeType"], "buffer": content}


def choose(page: Page, *files: FilePayload) -> None:
    part(page, "file").set_input_files(list(files))


def denoised(page: Page) -> None:
    expect(part(page, "status")).to_contain_text("Denoised by photo on CPU in")


def sample(page: Page, name: str = "Night") -> None:
    page.get_by_role("button", name=name).click()
    denoised(page)


def small(page: Page, name: str = "night") -> None:
    """Denoise a part of a sample, which takes no time."""
    choose(page, payload(crop(name), f"{name}.jpg"))
    denoised(page)


def slide(page: Page, name: str, value: float) -> None:
    """Move a slider, as fill() does not."""
    part(page, name).evaluate(
        "(each, value) => { each.value = value;"
        " each.dispatchEvent(new Event('input', {bubbles: true})); }",
        value,
    )


def large(side: int = 900) -> Image.Image:
    return Image.open(SAMPLES / "night.jpg").resize((side, side * 2 // 3))


def crop(name: str = "night") -> Image.Image:
    """Return a part of a sample, which takes no time."""
    return Image.open(SAMPLES / f"{name}.jpg").crop((0, 0, 240, 160))


class Held:
    """Requests that are held up until somebody lets them go on."""

    def __init__(self, page: Page, text: str) -> None:
        """Hold up those whose URL has a text."""
        self._page = page
        self._is_open = False
        self.routes: list[Route] = []
        page.route(re.compile(re.escape(text)), self._came)

    def _came(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self.routes.append(route)

    def wait(self) -> Route:
        """Wait until one is held up, and return the first."""
        while not self.routes:
            self._page.wait_for_timeout(20)
        return self.routes[0]

    def release(self) -> None:
        """Let those that came and those to come go on."""
        self._is_open = True
        for route in self.routes:
            route.continue_()


def requests(page: Page, text: str, method: str = "POST") -> list[Request]:
    """Return the list of requests to come whose URL has a text."""
    found: list[Request] = []

    def seen(request: Request) -> None:
        if request.method == method and text in request.url:
            found.append(request)

    page.on("request", seen)
    return found
