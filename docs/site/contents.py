"""The navigation of the site: the lists of docs/README.md become Sphinx's tables of contents."""

import re
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

CONTENTS = "docs/README"
DECISIONS = "docs/decisions/README"
SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+)\.md\)")


def setup(app: Sphinx) -> None:
    """Add the navigation to the first page, and the decisions to their page."""
    app.connect("source-read", add)


def add(app: Sphinx, page: str, source: list[str]) -> None:
    """Append hidden tables of contents to the source of a page that has pages below it."""
    if page == app.config.root_doc:
        text = (Path(app.srcdir) / f"{CONTENTS}.md").read_text()
        source[0] += table("", [CONTENTS])
        for title, pages in sections(text).items():
            source[0] += table(title, pages)
    elif page == DECISIONS:
        folder = Path(app.srcdir, DECISIONS).parent
        dated = sorted(folder.glob("2*.md"), reverse=True)
        source[0] += table("", [each.stem for each in dated], base="")


def sections(text: str) -> dict[str, list[str]]:
    """Return the pages that each section of docs/README.md links, as paths without a suffix."""
    return {
        title: [_resolved(target) for target in LINK.findall(body)]
        for title, body in SECTION.findall(text)
    }


def table(title: str, pages: list[str], base: str = "/") -> str:
    """Return a hidden table of contents in MyST's Markdown."""
    head = ["", "", "```{toctree}", ":hidden:", *([f":caption: {title}"] if title else []), ""]
    return "\n".join([*head, *(f"{base}{page}" for page in pages), "```", ""])


def _resolved(target: str) -> str:
    """Return the path from the project's folder of a path from docs/."""
    parts: list[str] = []
    for part in (PurePosixPath(CONTENTS).parent / target).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
