"""The parts of the page, and photographs that people choose."""

import io

from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.page.conftest import PLAYGROUND

SAMPLES = PLAYGROUND / "samples" / "photographs"


def payload(image: Image.Image, name: str, **options: int) -> FilePayload:
    """Return a picture as a file that people choose."""
    kind = {"jpg": "JPEG", "png": "PNG", "heic": "HEIF", "tif": "TIFF"}[name.rpartition(".")[2]]
    content = io.BytesIO()
    image.save(content, kind, **options)
    media = {"JPEG": "image/jpeg", "PNG": "image/png", "HEIF": "image/heic", "TIFF": "image/tiff"}
    return {"name": name, "mimeType": media[kind], "buffer": content.getvalue()}


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-part={name}]")


def choose(page: Page, *files: FilePayload) -> None:
    part(page, "file").set_input_files(list(files))


def denoised(page: Page) -> None:
    expect(part(page, "status")).to_contain_text("Denoised by photo on CPU in")


def sample(page: Page, name: str = "Night") -> None:
    page.get_by_role("button", name=name).click()
    denoised(page)


def small(page: Page, name: str = "night") -> None:
    """Denoise a part of a sample, which takes no time."""
    picture = Image.open(SAMPLES / f"{name}.jpg").crop((0, 0, 240, 160))
    choose(page, payload(picture, f"{name}.jpg"))
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
