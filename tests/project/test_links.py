"""Every relative link in the project's Markdown leads to a file, and to a heading of it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.documents import ROOT, documents

CODE = re.compile(r"^```.*?^```$|``.+?``|`[^`\n]+`", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)>\s]+)>?\)|(?:src|href|srcset)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)?$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a Markdown text."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken(page: Path, text: str) -> list[str]:
    """Return the relative links of a page's text that lead nowhere."""
    faults = []
    for link in (a or b for a, b in LINK.findall(CODE.sub("", text))):
        if ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            faults.append(f"{page}: expected the file of {link}")
        elif anchor and anchor not in anchors(text if target == page else target.read_text()):
            faults.append(f"{page}: expected the heading of {link}")
    return faults


@pytest.mark.parametrize("page", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert broken(page, page.read_text()) == []


def test_links_that_lead_nowhere_are_found() -> None:
    page = ROOT / "README.md"
    text = (
        "# A `b` c\n[1](#a-b-c) [2](LICENSE) [3](https://a.example/b) `[4](none)`\n"
        '[5](none.md) [6](docs/http.md#none) [7](#a) <img src="docs/none.png">\n'
    )
    found = [fault.rpartition(" ")[2] for fault in broken(page, text)]
    assert found == ["none.md", "docs/http.md#none", "#a", "docs/none.png"]


def test_headings_of_one_name_are_numbered() -> None:
    text = "## One\n## One\n```sh\n# no heading\n```\n### [GET](a.md) /v2 (new)\n"
    assert anchors(text) == {"one", "one-1", "get-v2-new"}
