"""/docs, with "Try it out", in Chromium: every operation does what its examples promise."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import PLAYGROUND, Open
from tests.page.parts import payload

pytestmark = pytest.mark.slow

PROTOCOL = ("/v2/models/{model}/infer", "/v2/repository/index")
"""What is tried of the Open Inference Protocol; other tests send all of its examples."""


@pytest.fixture
def documentation(open_view: Open, url: str) -> Page:
    page = open_view()
    page.goto(f"{url}/docs")
    page.locator(".opblock").first.wait_for()
    return page


def _status(operation: Locator) -> Locator:
    return operation.locator(".live-responses-table tbody .response-col_status")


def test_every_operation_does_as_it_stands_what_is_said_of_it(documentation: Page) -> None:
    scan = Image.open(PLAYGROUND / "samples" / "photographs" / "scan.jpg")
    photograph = payload(scan.crop((0, 0, 200, 150)), "part.png")
    tried = set()
    for operation in documentation.locator(".opblock").all():
        path = operation.locator(".opblock-summary-path").get_attribute("data-path") or ""
        if path.startswith("/v2") and path not in PROTOCOL:
            continue
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        if path == "/denoise":
            operation.get_by_label("File").set_input_files(photograph)
        elif path == "/estimate":
            operation.get_by_role("button", name="Use a sample").click()
            chosen = "(each) => each.files[0]?.name"
            documentation.wait_for_function(
                chosen, arg=operation.get_by_label("File").element_handle()
            )
        operation.get_by_role("button", name="Execute").click()
        if "{id}" in path:
            expect(operation.locator("[data-param-name=id] input")).to_have_class("invalid")
            expect(operation).to_contain_text("as POST /jobs returned it")
        elif path == "/score/stream":
            expect(operation).to_contain_text("Required field is not provided")  # its model
        elif operation.get_attribute("id") == "operations-jobs-listed_jobs_get":
            expect(operation).to_contain_text("listing-forbidden")  # to those without a key
        else:
            expect(_status(operation)).to_contain_text("20")
        if path == "/denoise":
            shown = operation.locator(".live-responses-table img")
            expect(shown).to_be_visible()
            assert shown.evaluate("(image) => image.naturalWidth") == 200
        tried.add(path)
        operation.locator(".opblock-summary-control").click()
    assert {*PROTOCOL, "/encode", "/decode", "/denoise", "/jobs", "/models", "/metrics"} <= tried


def test_axe_finds_no_violation(documentation: Page) -> None:
    operation = documentation.locator(".opblock").first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(_status(operation)).to_contain_text("200")
    results: Any = Axe().run(documentation)
    assert results.violations_count == 0, results.generate_report()
