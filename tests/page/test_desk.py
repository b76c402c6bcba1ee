"""What runs on the desk: it is waited for, cancelled and replaced, and nothing is lost by that."""

import re
import zipfile

import httpx
import pytest
from playwright.sync_api import FilePayload, expect

from tests.page.conftest import Open
from tests.page.parts import (
    RUN,
    Held,
    choose,
    crop,
    denoised,
    large,
    part,
    payload,
    requests,
    slide,
    small,
)

pytestmark = pytest.mark.slow

RESULT = "/result"
OPENED = "strength=0"
"""What opens a photograph that the browser does not show."""


def test_a_download_waits_for_the_run(open_view: Open) -> None:
    page = open_view()
    runs, held = requests(page, RUN), Held(page, RESULT)
    choose(page, payload(crop(), "night.jpg"))
    held.wait()
    button = part(page, "download")
    with page.expect_download() as saved:
        button.click()
        expect(button).to_have_text("Download follows")
        slide(page, "quality", 80)  # no other run, another file
        held.release()
    assert saved.value.suggested_filename == "night-denoised.jpg"
    expect(part(page, "rightTag")).to_have_text("denoised")
    assert len(runs) == 1


def test_a_zip_is_made_beside_the_run_on_the_desk(open_view: Open) -> None:
    page = open_view()
    held = Held(page, RESULT)
    runs = requests(page, RUN)
    choose(page, payload(crop(), "night.png"), payload(crop("scan"), "scan.jpg"))
    held.wait()
    expect(part(page, "qualityField")).to_be_visible()  # of the other photograph
    slide(page, "quality", 50)
    page.get_by_role("button", name="Download all as zip").press("Enter")
    expect(page.get_by_role("button", name="Cancel the zip")).to_be_focused()
    expect(part(page, "cancel")).to_be_visible()
    page.get_by_role("button", name="Cancel the zip").press("Enter")
    expect(part(page, "zipStatus")).to_have_text("Cancelled.")
    expect(page.get_by_role("button", name="Download all as zip")).to_be_focused()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all as zip").click()
        held.release()
    denoised(page)
    expect(part(page, "zipCancel")).to_be_hidden()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.namelist() == ["night.png", "scan.jpg", "manifest.json"]
    assert ["quality=50" in run.url for run in runs] == [False, True, True]


def test_another_photograph_takes_the_place_of_one_that_is_opened(open_view: Open) -> None:
    page = open_view()
    small(page)
    part(page, "back").click()
    held = Held(page, OPENED)
    choose(page, payload(crop("scan"), "scan.tif"))
    expect(part(page, "title")).to_have_text("scan.tif")
    expect(part(page, "download")).to_be_disabled()
    held.wait()
    part(page, "cancel").click()
    expect(part(page, "bar")).to_be_hidden()
    expect(page.get_by_role("button", name="Night")).to_be_visible()  # nothing else is there
    assert page.evaluate("document.activeElement.tagName") != "BODY"
    choose(page, payload(crop("scan"), "scan.tif"))
    slide(page, "effort", 2)  # while it is opened
    page.wait_for_timeout(400)
    runs = requests(page, RUN)
    held.release()
    denoised(page)
    expect(part(page, "title")).to_have_text("scan.tif")
    assert ["effort=2" in run.url for run in runs] == [True]


def test_a_part_that_is_denoised_does_not_look_like_the_whole(open_view: Open) -> None:
    page = open_view()
    held = Held(page, RESULT)
    choose(page, payload(large(), "large.jpg"))
    expect(part(page, "rightTag")).to_be_hidden()
    expect(part(page, "stale")).to_have_text("A preview of this part")
    held.wait()
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(part(page, "status")).to_have_text("Cancelled.")
    expect(part(page, "stale")).to_have_text("Only a part is denoised")
    expect(part(page, "rightTag")).to_have_text("denoised in part")
    again = page.get_by_role("button", name="Denoise", exact=True)
    expect(again).to_be_focused()
    again.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    held.release()
    denoised(page)
    expect(part(page, "frame")).to_be_focused()
    expect(part(page, "rightTag")).to_have_text("denoised")
    page.get_by_label("Difference").check(force=True)
    expect(page.get_by_role("img", name="Difference between")).to_be_visible()


def test_a_broken_file_hides_none_of_the_others(open_view: Open) -> None:
    page = open_view()
    broken: FilePayload = {
        "name": "notes.txt",
        "mimeType": "text/plain",
        "buffer": b"no picture at all",
    }
    choose(page, broken)
    expect(page.get_by_role("alert")).to_contain_text("This kind of file cannot be opened.")
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    choose(page, broken, payload(crop(), "night.jpg"))
    expect(part(page, "faultText")).to_contain_text("This kind of file cannot be opened.")
    assert page.evaluate("document.activeElement.dataset.part") == "frame"
    page.get_by_role("button", name="night.jpg").click()
    denoised(page)
    page.get_by_role("button", name="notes.txt").click()
    expect(part(page, "faultText")).to_contain_text("This kind of file cannot be opened.")
    expect(part(page, "title")).to_have_text("night.jpg")  # which stays
    expect(part(page, "download")).to_be_enabled()


def test_a_page_that_is_left_cancels_its_job(open_view: Open) -> None:
    page = open_view()
    held = Held(page, RESULT)
    choose(page, payload(crop(), "night.jpg"))
    job = held.wait().request.url.removesuffix(RESULT)
    assert httpx.get(job).status_code == 200
    page.goto("about:blank")
    for _ in range(100):
        if httpx.get(job).status_code == 404:
            return
        page.wait_for_timeout(100)
    pytest.fail("the job is still there")


def test_a_job_that_is_cancelled_while_it_is_submitted_ends(open_view: Open) -> None:
    page = open_view()
    held = Held(page, RUN)
    ended = requests(page, "/jobs/", "DELETE")
    choose(page, payload(crop(), "night.jpg"))
    route = held.wait()
    answer = route.fetch()
    part(page, "cancel").click()
    route.fulfill(response=answer)
    expect(part(page, "status")).to_have_text("Cancelled.")
    page.wait_for_timeout(300)
    assert [request.url.rpartition("/")[2] for request in ended] == [answer.json()["id"]]


@pytest.mark.parametrize("code", ["jobs-off", ""])
def test_a_zip_is_sent_again_only_where_jobs_are_off(open_view: Open, code: str) -> None:
    page = open_view()
    direct = requests(page, "/denoise?")
    choose(page, payload(crop(), "night.jpg"), payload(crop("scan"), "scan.jpg"))
    denoised(page)
    problem = {"code": code, "detail": "off", "status": 503, "title": "Jobs are off"}
    if code:
        media = {"content_type": "application/problem+json"}
        page.route(
            re.compile(re.escape(RUN)),
            lambda route: route.fulfill(status=503, json=problem, **media),
        )
        with page.expect_download():
            page.get_by_role("button", name="Download all as zip").click()
    else:
        page.route(
            re.compile(re.escape(RUN)), lambda route: route.fulfill(status=502, body="<p>a proxy")
        )
        page.get_by_role("button", name="Download all as zip").click()
        expect(part(page, "zipFaultText")).to_have_text("That did not work.")
        expect(part(page, "zipFaultDetail")).to_be_hidden()
    assert len([each for each in direct if "strength=0" not in each.url]) == bool(code)


def test_the_settings_are_reset(open_view: Open) -> None:
    page = open_view()
    small(page)
    slide(page, "strength", 40)
    slide(page, "quality", 20)
    part(page, "effort").select_option("2")
    part(page, "format").select_option("image/webp")
    page.get_by_label("Find the noise level").uncheck()
    with page.expect_request(lambda each: RUN in each.url and "sigma=60" in each.url):
        slide(page, "sigma", 60)
    expect(part(page, "frame")).not_to_contain_class("stale")
    with page.expect_request(lambda each: RUN in each.url) as run:
        page.get_by_role("button", name="Reset the settings").click()
    assert "sigma" not in run.value.url
    assert "effort" not in run.value.url
    expect(part(page, "automatic")).to_be_checked()
    for name, value in (("strength", "100"), ("quality", "90"), ("effort", "1"), ("format", "")):
        expect(part(page, name)).to_have_value(value)
    expect(part(page, "level")).to_be_hidden()
    expect(part(page, "frame")).not_to_have_class(re.compile("stale"))
    denoised(page)
    expect(part(page, "programs").locator("#program-curl")).not_to_contain_text("strength")


def test_a_finger_scrolls_the_page_where_there_is_nothing_to_move(open_view: Open) -> None:
    page = open_view()
    small(page)
    touch = "(each) => getComputedStyle(each).touchAction"
    expect(part(page, "frame")).to_have_class(re.compile("fit"))
    assert part(page, "frame").evaluate(touch) == "pan-y"
    page.get_by_role("button", name="Zoom in").click()
    expect(part(page, "frame")).not_to_have_class(re.compile("fit"))
    assert part(page, "frame").evaluate(touch) == "none"
