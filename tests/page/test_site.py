"""The documentation site is built without a warning, and asks no other host for anything."""

import re
import shutil
import subprocess
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.page.conftest import ROOT

pytestmark = pytest.mark.slow
ASKED = re.compile(r"<(?:link|script|img|source|iframe)\b[^>]*?\b(?:href|src|srcset)=\"([^\"?#]+)")


def _build(source: Path, out: Path, *builder: str) -> subprocess.CompletedProcess[str]:
    options: tuple[str | Path, ...] = (
        *builder,
        "--fail-on-warning",
        "--quiet",
        "--conf-dir",
        ROOT / "docs" / "site",
    )
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, source, out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = _build(ROOT, out)
    assert built.returncode == 0, built.stderr
    return out


def test_every_page_finds_what_it_shows_within_the_site(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert site / "docs" / "http.html" in pages
    for page in pages:
        for asked in ASKED.findall(page.read_text()):
            assert "//" not in asked, f"{page.name} asks {asked}"
            assert asked.startswith("data:") or (page.parent / asked).exists(), f"{page}: {asked}"


def test_the_first_page_leads_to_every_page_of_the_contents(site: Path) -> None:
    first = (site / "index.html").read_text()
    listed = re.findall(r"\]\(([^)]+)\.md\)", (ROOT / "docs" / "README.md").read_text())
    assert "denoising" in listed
    for page in listed:
        address = (ROOT / "docs" / page).resolve().relative_to(ROOT).as_posix()
        assert f'href="{address}.html"' in first


def test_diagrams_are_pictures_in_both_colour_schemes(site: Path) -> None:
    pytest.importorskip("mmdr", reason="needs mmdr, which has no wheel for this platform")
    page = (site / "docs" / "architecture.html").read_text()
    for scheme in ("light", "dark"):
        name = f"_diagrams/docs-architecture-0-{scheme}.svg"
        assert f'src="../{name}"' in page
        assert "inference" in (site / name).read_text()
    assert 'alt="Which part imports which: the list below says the same"' in page
    assert re.search(r"<li>api: [^<]*\bimages\b", page)


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "docs" / "figures").mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", source)
    (source / "docs" / "README.md").write_text("# Contents\n")
    links = "[1](LICENSE) [2](#none) [3](docs/README.md#none) [4](none.md)"
    (source / "README.md").write_text(f"# First\n\n{links}\n")
    built = _build(source, tmp_path / "out")
    assert built.returncode == 1
    warned = re.findall(r"WARNING: .*'(.+?)'", built.stderr)
    assert warned == ["none", "none", "none.md"], built.stderr


def test_a_link_to_another_site_that_leads_nowhere_is_found_by_make_links(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "docs").mkdir(parents=True)
    (source / "docs" / "README.md").write_text("# Contents\n")
    with HTTPServer(("127.0.0.2", 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever).start()
        site = f"http://127.0.0.2:{server.server_port}"
        links = f"[1]({site}/) [2]({site}/none) [3](http://127.0.0.1:8000/none)"
        (source / "README.md").write_text(f"# First\n\n{links}\n")
        checked = _build(source, tmp_path / "out", "--builder", "linkcheck")
        server.shutdown()
    told = (tmp_path / "out" / "output.txt").read_text()
    assert checked.returncode == 1
    assert re.findall(r"\[broken\] (\S+?):? ", told) == [f"{site}/none"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_axe_finds_no_violation_and_no_page_is_wider_than_its_window(
    browser: Browser, site: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    for name in ("index", "docs/tutorial", "docs/http", "docs/architecture"):
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if name in ("index", "docs/architecture"):  # tables, code, pictures and a diagram
            results: Any = Axe().run(page)
            assert results.violations_count == 0, f"{name}: {results.generate_report()}"
    page.close()


def test_the_search_finds_pages_without_a_server(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.get_by_role("textbox", name="Search").fill("Retry-After overload")
    page.keyboard.press("Enter")
    expect(page.locator("#search-results li")).to_contain_text(["Operations"])
    page.close()
