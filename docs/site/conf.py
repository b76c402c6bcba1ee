"""Sphinx's configuration of the documentation site: `make docs`.

The project's folder is the source, so that links between Markdown files are those that work in it.
"""

from service import __version__

project = "autoencoder-service"
author = "autoencoder-service contributors"
release = version = __version__
html_title = project

extensions = [
    "myst_parser",
    "docs.site.access",
    "docs.site.contents",
    "docs.site.diagrams",
    "docs.site.figures",
]
root_doc = "README"
include_patterns = [
    "*.md",
    "benchmarks/README.md",
    "deploy/helm/*/README.md",
    "docs/**.md",
    "models/*/*/README.md",
    "service/playground/samples/photographs/SOURCES.md",
    "tests/data/fashion_mnist/README.md",
]
exclude_patterns = [".*", "dist", "runs", "try"]

myst_heading_anchors = 4  # the anchors that GitHub gives to headings
myst_all_links_external = False
nitpicky = True
linkcheck_ignore = [r"http://(127\.0\.0\.1|localhost)\b"]  # of a service that runs
linkcheck_timeout = 20

html_theme = "furo"
html_static_path = ["style"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"
