"""Mermaid diagrams as SVG files, made when the site is built: readers need no JavaScript."""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

LOG = logging.getLogger(__name__)
FOLDER = "_diagrams"
ALTERNATIVE = "Diagram: the text around it says what it shows"
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
        up = "../" * self.env.docname.count("/")
        links = ""
        for scheme, theme in THEMES.items():
            name = f"{self.env.docname.replace('/', '-')}-{number}-{scheme}.svg"
            path = Path(self.app.outdir, FOLDER, name)
            path.parent.mkdir(exist_ok=True)
            settings = f'%%{{init: {{"theme": "{theme}"}}}}%%'
            path.write_text(mmdr.render(f"{settings}\n{block.astext()}").svg())
            address = f"{up}{FOLDER}/{name}"
            links += (
                f'<a class="diagram only-{scheme}" href="{address}">'
                f'<img src="{address}" alt="{ALTERNATIVE}"></a>'
            )
        block.replace_self(nodes.raw("", links, format="html"))
