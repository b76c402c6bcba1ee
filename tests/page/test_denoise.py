"""People denoise photographs on the page, in Chromium, with the shipped models."""

import base64
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.page.conftest import ROOT, Open
from tests.page.parts import SAMPLES, choose, denoised, large, part, payload, sample, slide, small

pytestmark = pytest.mark.slow


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


PIXELS = """async ([name, x, y]) => {
  const canvas = document.querySelector(`[data-part=${name}]`);
  return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
}"""


def test_a_sample_is_denoised_by_one_click_and_downloaded(open_view: Open, url: str) -> None:
    page = open_view()
    sample(page)
    expect(part(page, "sizes")).to_contain_text("after")
    expect(part(page, "sizes")).to_contain_text("116 kB before")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    assert saved.value.suggested_filename == "night-denoised.jpg"
    with Image.open(saved.value.path()) as file:
        assert (file.format, file.size) == ("JPEG", (624, 416))


@pytest.mark.parametrize(
    ("media", "name"), [("", "night-denoised.jpg"), ("image/avif", "night-denoised.avif")]
)
def test_the_file_is_made_of_what_is_on_the_screen(
    open_view: Open, url: str, media: str, name: str
) -> None:
    page = open_view()
    runs: list[str] = []
    page.on("request", lambda each: runs.append(each.url) if "/jobs?" in each.url else None)
    sample(page)
    part(page, "format").select_option(media)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    assert saved.value.suggested_filename == name
    content = (SAMPLES / "night.jpg").read_bytes()
    answer = httpx.post(
        f"{url}/denoise", content=content, headers={"Accept": media or "image/jpeg"}, timeout=60
    )
    assert Path(saved.value.path()).read_bytes() == answer.content
    assert len(runs) == 1


def test_the_first_view_is_small(open_view: Open, url: str) -> None:
    page = open_view()
    page.get_by_role("button", name="Night").wait_for()
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        "['resource', 'navigation'].flatMap((kind) => performance.getEntriesByType(kind))"
        ".map((each) => [each.name, each.encodedBodySize])"
    )
    assert sum(size for name, size in sizes if "/samples/" not in name) < 150_000, sizes


def test_the_divider_moves_by_keys_by_mouse_and_by_finger(open_view: Open) -> None:
    page = open_view()
    small(page)
    divider = page.get_by_role("slider", name="Divider")
    divider.focus()
    for key, value in (("ArrowLeft", 48), ("PageDown", 38), ("Home", 0), ("End", 100)):
        page.keyboard.press(key)
        expect(divider).to_have_attribute("aria-valuenow", str(value))
    box = part(page, "frame").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "25")
    expect(divider).to_have_attribute("aria-valuetext", "25 % noisy, 75 % denoised")
    touched = open_view(**PHONE)
    small(touched)
    session = touched.context.new_cdp_session(touched)
    box = part(touched, "frame").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.7), ("touchEnd", None)):
        points = [] if share is None else [{"x": box["x"] + share * box["width"], "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(touched.get_by_role("slider", name="Divider")).to_have_attribute("aria-valuenow", "70")


def test_the_photograph_is_zoomed_and_moved(open_view: Open) -> None:
    page = open_view(viewport={"width": 1280, "height": 800})
    small(page)
    frame, scale = part(page, "frame"), part(page, "scale")
    fit = scale.inner_text()
    frame.focus()
    page.keyboard.press("1")
    expect(scale).to_have_text("100 %")
    page.keyboard.press("+")
    expect(scale).to_have_text("125 %")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    expect(scale).to_have_text(fit)
    page.get_by_role("button", name="Zoom in").click()
    expect(scale).not_to_have_text(fit)
    page.get_by_role("button", name="Fit").click()
    expect(scale).to_have_text(fit)
    frame.dblclick(position={"x": 300, "y": 200})
    expect(scale).not_to_have_text(fit)
    frame.dblclick(position={"x": 300, "y": 200})
    expect(scale).to_have_text(fit)
    frame.hover(position={"x": 300, "y": 200})
    page.mouse.wheel(0, -400)
    expect(scale).not_to_have_text(fit)
    session = page.context.new_cdp_session(page)
    before = scale.inner_text()
    for kind, apart in (("touchStart", 50), ("touchMove", 100), ("touchEnd", None)):
        points = (
            [] if apart is None else [{"x": 400 - apart, "y": 300}, {"x": 400 + apart, "y": 300}]
        )
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(scale).not_to_have_text(before)


def test_both_sides_and_their_difference_are_shown(open_view: Open) -> None:
    page = open_view(viewport={"width": 1280, "height": 800})
    small(page, "scan")
    canvas = part(page, "canvas")
    width, height = canvas.evaluate("(each) => [each.width, each.height]")
    left = page.evaluate(PIXELS, ["canvas", width // 2 - 40, height // 2])
    page.get_by_label("Side by side").check(force=True)
    expect(page.get_by_role("slider", name="Divider")).to_be_hidden()
    page.get_by_label("Difference").check(force=True)
    page.wait_for_timeout(200)
    gray = page.evaluate(PIXELS, ["canvas", width // 2 - 40, height // 2])
    assert left != gray
    colours = canvas.evaluate(
        "(each) => each.getContext('2d')"
        ".getImageData(each.width / 2 - 100, each.height / 2 - 100, 200, 200).data"
        ".reduce((sum, value, i) => (i % 4 < 3 ? sum + value : sum), 0) / (200 * 200 * 3)"
    )
    assert abs(colours - 128) < 12


def test_the_preview_comes_first_then_the_whole_which_can_be_cancelled(open_view: Open) -> None:
    page = open_view()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    part(page, "effort").evaluate("(each) => { each.value = '4'; }")
    choose(page, payload(large(), "large.jpg"))
    expect(part(page, "stale")).to_have_text("A preview of this part")
    expect(part(page, "bar")).to_be_visible()
    assert any("region=" in each for each in asked)
    page.get_by_role("button", name="Cancel").click()
    expect(part(page, "status")).to_have_text("Cancelled.")
    expect(part(page, "bar")).to_be_hidden()
    slide(page, "effort", 1)
    denoised(page)
    assert any("/jobs" in each for each in asked)


def test_what_is_shown_of_other_settings_looks_so(open_view: Open) -> None:
    page = open_view()
    small(page)
    page.get_by_label("Find the noise level").uncheck()
    slide(page, "sigma", 30)
    expect(part(page, "frame")).to_contain_class("stale")
    expect(part(page, "stale")).to_be_visible()
    expect(part(page, "stale")).to_be_hidden()
    expect(part(page, "frame")).not_to_contain_class("stale")


def test_strength_is_blended_without_a_new_run(open_view: Open) -> None:
    page = open_view(viewport={"width": 700, "height": 900})
    choose(page, payload(Image.open(SAMPLES / "night.jpg").crop((0, 0, 200, 120)), "part.png"))
    denoised(page)
    page.get_by_role("button", name="Pixel for pixel").click()
    page.get_by_role("slider", name="Divider").press("Home")
    runs: list[str] = []
    page.on("request", lambda request: runs.append(request.url))
    slide(page, "strength", 80)
    slide(page, "luma", 50)
    page.wait_for_timeout(100)
    assert not runs
    shown = page.evaluate(
        "() => { const canvas = document.querySelector('[data-part=canvas]');"
        " const x = Math.round((canvas.width - 200) / 2);"
        " const y = Math.round((canvas.height - 120) / 2);"
        " return [...canvas.getContext('2d').getImageData(x, y, 200, 120).data]; }"
    )
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    with Image.open(saved.value.path()) as file:
        expected = np.asarray(file.convert("RGB")).astype(int)
    received = np.array(shown).reshape(120, 200, 4)[..., :3]
    assert abs(received - expected).max() <= 1
    assert all("strength=0.8" in each for each in runs if "operation=denoise" in each)


def test_noise_that_is_added_to_a_clean_picture_is_measured(open_view: Open) -> None:
    page = open_view()
    sample(page, "Clean")
    page.get_by_text("Is it clean? Add noise").click()
    part(page, "kind").select_option("white")
    expect(part(page, "scores")).to_be_visible()
    before, after = (
        float(part(page, f"psnr{each}").inner_text().split()[0]) for each in ("Before", "After")
    )
    assert 20 < before < 22
    assert after > before + 5
    assert float(part(page, "ssimAfter").inner_text()) > float(
        part(page, "ssimBefore").inner_text()
    )
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    with Image.open(saved.value.path()) as file:
        assert file.format == "WEBP"  # as it came
    slide(page, "strength", 50)
    expect(part(page, "psnrAfter")).not_to_have_text(f"{after:.1f} dB")
    part(page, "kind").select_option("")
    expect(part(page, "scores")).to_be_hidden()
    denoised(page)


def test_several_photographs_are_downloaded_as_a_zip(open_view: Open) -> None:
    page = open_view()
    files = [
        payload(Image.open(SAMPLES / f"{name}.jpg").crop((0, 0, 160, 120)), f"{name}.jpg")
        for name in ("night", "scan")
    ]
    choose(page, *files)
    denoised(page)
    second = page.get_by_role("button", name="scan.jpg")
    second.click()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(part(page, "title")).to_have_text("scan.jpg")
    denoised(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all as zip").click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.namelist() == ["night.jpg", "scan.jpg", "manifest.json"]
    expect(part(page, "zipStatus")).to_have_text("All 2 photographs are in denoised.zip.")


def test_photographs_that_are_not_in_the_zip_are_named(open_view: Open) -> None:
    page = open_view()
    picture = Image.open(SAMPLES / "night.jpg").crop((0, 0, 160, 120))
    letter: FilePayload = {"name": "letter.jpg", "mimeType": "image/jpeg", "buffer": b"Dear all"}
    choose(page, payload(picture, "one.jpg"), letter, payload(picture, "two.jpg"))
    denoised(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all as zip").click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.namelist() == ["one.jpg", "two.jpg", "manifest.json"]
    said = part(page, "zipStatus")
    expect(said).to_contain_text("2 of 3 photographs are in denoised.zip. letter.jpg: This kind")
    assert part(page, "strip").locator(".failed").all_inner_texts() == ["letter.jpg"]


def test_transparent_pictures_lie_on_checks_and_jpeg_cannot_keep_them(open_view: Open) -> None:
    page = open_view()
    picture = Image.open(SAMPLES / "night.jpg").crop((0, 0, 200, 200))
    picture.putalpha(0)
    choose(page, payload(picture, "clear.png"))
    denoised(page)
    width, height = part(page, "canvas").evaluate("(each) => [each.width, each.height]")
    for x in (width // 2 - 60, width // 2 + 60):  # on both sides of the divider
        red, green, blue, alpha = page.evaluate(PIXELS, ["canvas", x, height // 2])
        assert alpha == 255
        assert red == green == blue
        assert red in (0xD9, 0xA8)
    part(page, "format").select_option("image/jpeg")
    page.get_by_role("button", name="Download", exact=True).click()
    expect(part(page, "faultText")).to_contain_text("Transparency needs PNG")
    page.get_by_role("alert").get_by_text("What the service said").click()
    expect(part(page, "faultDetail")).to_contain_text("expected a photograph without transparency")


@pytest.mark.parametrize("kind", ["heic", "tif"])
def test_formats_that_the_browser_does_not_show_are_shown(open_view: Open, kind: str) -> None:
    if kind == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    page = open_view()
    picture = Image.open(SAMPLES / "night.jpg").crop((0, 0, 240, 160))
    choose(page, payload(picture, f"phone.{kind}"))
    denoised(page)
    expect(part(page, "title")).to_have_attribute("title", f"phone.{kind}: 240 × 160")


def test_a_file_that_is_no_photograph_is_told_in_words(open_view: Open) -> None:
    page = open_view()
    choose(page, {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture at all"})
    expect(page.get_by_role("alert")).to_contain_text("This kind of file cannot be opened.")
    sample(page)  # nothing is lost


def test_photographs_are_dropped_and_pasted(open_view: Open) -> None:
    page = open_view()
    page.get_by_role("button", name="Night").wait_for()
    content = payload(Image.open(SAMPLES / "scan.jpg").crop((0, 0, 120, 90)), "scan.jpg")
    dropped, pasted = (
        page.evaluate_handle(
            "async ([text, name]) => { const given = new DataTransfer();"
            " const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));"
            " given.items.add(new File([bytes], name, {type: 'image/jpeg'})); return given; }",
            [base64.b64encode(content["buffer"]).decode(), name],
        )
        for name in ("dropped.jpg", "pasted.jpg")
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": dropped})
    expect(page.get_by_text("Drop photographs to denoise them")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    denoised(page)
    expect(part(page, "title")).to_have_text("dropped.jpg")
    page.evaluate(
        "(given) => document.dispatchEvent("
        "new ClipboardEvent('paste', {clipboardData: given, bubbles: true}))",
        pasted,
    )
    expect(part(page, "title")).to_have_text("pasted.jpg")
    denoised(page)


def test_the_programs_do_the_same(open_view: Open, tmp_path: Path) -> None:
    page = open_view()
    content = payload(Image.open(SAMPLES / "night.jpg").crop((0, 0, 120, 90)), "a photo.jpg")
    (tmp_path / "a photo.jpg").write_bytes(content["buffer"])
    choose(page, content)
    denoised(page)
    slide(page, "luma", 40)
    part(page, "format").select_option("image/webp")
    page.get_by_text("The same from programs").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    expected = Path(saved.value.path()).read_bytes()
    curl, python, javascript = (
        page.locator(f"#program-{name}").inner_text() for name in ("curl", "python", "javascript")
    )
    (tmp_path / "program.mjs").write_text(javascript)
    module = javascript.splitlines()[0].removeprefix("// ")  # how to get the client
    commands = [["bash", "-c", curl], [sys.executable, "-c", python]]
    if shutil.which("node"):
        commands.append(["bash", "-c", f"{module} && node program.mjs"])
    for command in commands:
        subprocess.run(
            command,
            cwd=tmp_path,
            check=True,
            capture_output=True,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        )
        made = tmp_path / "a photo-denoised.webp"
        assert made.read_bytes() == expected
        made.unlink()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == curl
    if not shutil.which("node"):
        pytest.skip("curl and Python do the same; needs node for JavaScript")
