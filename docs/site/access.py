"""What the theme leaves out for keyboards and screen readers."""

from typing import Any

from sphinx.application import Sphinx

NAVIGATION = "furo_navigation_tree"


def setup(app: Sphinx) -> None:
    """Change each page once the theme has made its navigation."""
    app.connect("html-page-context", complete, priority=900)


def complete(_: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Give captions of the navigation a level, and let code that scrolls be focused."""
    captions = context.get(NAVIGATION, "")
    context[NAVIGATION] = captions.replace('role="heading"', 'role="heading" aria-level="2"')
    if "body" in context:  # tables and blocks of code
        body = context["body"].replace("<pre>", '<pre tabindex="0">')
        context["body"] = body.replace(
            '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'
        )
