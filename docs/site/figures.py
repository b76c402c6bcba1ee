"""Pictures of raw HTML in Markdown, which Sphinx does not see, and the site's index.html."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx

FIGURES = "docs/figures"


def setup(app: Sphinx) -> None:
    """Complete the site once it is built."""
    app.connect("build-finished", complete)


def complete(app: Sphinx, failure: Exception | None) -> None:
    """Copy the figures to where HTML names them, and the first page to index.html."""
    if failure is None and app.builder.name == "html":
        shutil.copytree(Path(app.srcdir, FIGURES), Path(app.outdir, FIGURES), dirs_exist_ok=True)
        shutil.copy(Path(app.outdir, f"{app.config.root_doc}.html"), Path(app.outdir, "index.html"))
