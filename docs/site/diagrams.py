"""Mermaid diagrams as SVG files, made when the site is built: readers need no JavaScript.

The alternative text of a diagram is its `accTitle`, in Mermaid's words; a list says what its arrows
say.
"""

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

LOG = logging.getLogger(__name__)
FOLDER = "_diagrams"
TITLE = re.compile(r"^ *accTitle: (.+)\n", re.MULTILINE)
LABEL = re.compile(r"^ *([\w-]+)\[(.+)\]$", re.MULTILINE)
ARROW = re.compile(r"^ *([\w-]+) --> ([\w-]+)$", re.MULTILINE)
THEMES = {"light": "neutral", "dark": "dark"}


def setup(app: Sphinx) -> None:
    """Replace blocks of Mermaid by pictures, one for each colour scheme."""
    app.add_post_transform(Drawn)


class Drawn(SphinxPostTransform):
    """Replaces blocks of Mermaid by links to their pictures."""

    default_priority = 200
    builders = ("html",)

    def run(self, **_: Any) -> None:
        for number, block in enumerate(self.document.findall(nodes.literal_block)):
            if block.get("language") == "mermaid":
                self._replace(block, number)

    def _replace(self, block: nodes.literal_block, number: int) -> None:
        try:
            import mmdr
        except ImportError:  # no wheel for this platform
            LOG.info("expected mmdr to draw a diagram of %s, received none", self.env.docname)
            return
        source = block.astext()
        title = TITLE.search(source)
        if not title:
            LOG.warning("expected accTitle in a diagram of %s, received none", self.env.docname)
            return
        drawn = TITLE.sub("", source)
        up = "../" * self.env.docname.count("/")
        links = ""
        for scheme, theme in THEMES.items():
            name = f"{self.env.docname.replace('/', '-')}-{number}-{scheme}.svg"
            path = Path(self.app.outdir, FOLDER, name)
            path.parent.mkdir(exist_ok=True)
            settings = f'%%{{init: {{"theme": "{theme}"}}}}%%'
            path.write_text(mmdr.render(f"{settings}\n{drawn}").svg())
            address = f"{up}{FOLDER}/{name}"
            links += (
                f'<a class="diagram only-{scheme}" href="{address}">'
                f'<img src="{address}" alt="{escape(title[1])}: the list below says the same"></a>'
            )
        links += f"<details><summary>{escape(title[1])}</summary>{listed(source)}</details>"
        block.replace_self(nodes.raw("", links, format="html"))


def listed(source: str) -> str:
    """Return the arrows of a diagram as a list in HTML, one item for each box that some leave."""
    labels = dict(LABEL.findall(source))
    targets: dict[str, list[str]] = {}
    for start, end in ARROW.findall(source):
        targets.setdefault(start, []).append(labels.get(end, end))
    items = (f"{labels.get(start, start)}: {', '.join(ends)}" for start, ends in targets.items())
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
