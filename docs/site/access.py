"""What the theme leaves out for keyboards and screen readers."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

NAVIGATION = "furo_navigation_tree"
EMPTY_HEADER = re.compile(r"<th( class=\"[^\"]*\")?><p></p></th>")
LANDMARKS = {
    '<aside class="sidebar-drawer">': '<aside aria-label="Site" class="sidebar-drawer">',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
}
"""Parts of the theme's pages, and the same with names of their own."""


def setup(app: Sphinx) -> None:
    """Change each page once the theme has made its navigation, and again once it is written."""
    app.connect("html-page-context", complete, priority=900)
    app.connect("build-finished", name)


def complete(_: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Give captions of the navigation a level; let code that scrolls be focused.

    Headers of tables that say nothing are none.
    """
    captions = context.get(NAVIGATION, "")
    context[NAVIGATION] = captions.replace('role="heading"', 'role="heading" aria-level="2"')
    if "body" in context:  # tables and blocks of code
        body = EMPTY_HEADER.sub("<td></td>", context["body"])
        body = body.replace("<pre>", '<pre tabindex="0">')
        context["body"] = body.replace(
            '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'
        )


def name(app: Sphinx, failure: Exception | None) -> None:
    """Name the landmarks of each page, of which the theme has two of a kind."""
    if failure is None and app.builder.name == "html":
        for page in Path(app.outdir).rglob("*.html"):
            text = page.read_text()
            for without, named in LANDMARKS.items():
                text = text.replace(without, named)
            page.write_text(text)
