"""Figures as SVG inside of a page: its colours, light or dark, and its letters."""

import io
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT, LINE = "#010201", "#010202", "#010203"
FIRST, SECOND, FAULT = "#010204", "#010205", "#010206"
VARIABLES = {
    INK: "--ink",
    FAINT: "--faint",
    LINE: "--line",
    FIRST: "--first",
    SECOND: "--second",
    FAULT: "--fault",
}
"""Colours that no figure has otherwise, and the variables of the page that take their place."""

WIDTH = 11.2
"""Inches of a page, at 96 pixels each."""
PIXELS = 96
LEAST = 0.85
"""Of its size, below which a figure does not shrink: letters stay 10 pixels high."""
SVG = "http://www.w3.org/2000/svg"
RASTER = 160
"""Dots per inch of what is not drawn as lines."""

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "report",
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": FAINT,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "lines.linewidth": 1.6,
    "lines.solid_joinstyle": "round",
}


def grid(
    rows: int, columns: int, *, width: float, height: float, sharex: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row, each of a width and height in inches."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=sharex)
    return figure, list(axes.ravel())


def inline(
    figure: Figure, label: str, titles: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Markup:
    """Return a figure as an SVG element, in a box that scrolls where the page is narrower.

    Args:
        figure: Drawn with the colours of this module, which become the page's.
        label: What it shows, for those who do not see it.
        titles: What browsers show of each element of a group, by the group's id.
    """
    written = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(
            written,
            format="svg",
            dpi=RASTER,
            metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")),
        )
    text = written.getvalue()
    text = text[text.index("<svg") :]
    if titles:
        text = _titled(text, titles)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    # Matplotlib numbers what it draws; the numbers of two figures on a page would be the same.
    text = re.sub(r' id="[a-z0-9.]+_\d+"', "", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"\n\s*", "\n", text)
    least = round(LEAST * PIXELS * figure.get_figwidth())
    opening = f'<svg role="img" aria-label="{escape(label)}" style="min-width: {least}px" '
    text = text.replace("<svg ", opening, 1)  # Matplotlib escapes what it draws
    return Markup(f'<div class="chart">{text}</div>')


def _titled(text: str, titles: Mapping[str, Sequence[str]]) -> str:
    """Return an SVG document whose groups' elements have titles, in the order of drawing."""
    for prefix, name in ("", SVG), ("xlink", "http://www.w3.org/1999/xlink"):
        ElementTree.register_namespace(prefix, name)
    root = ElementTree.fromstring(text)
    groups = {group.get("id"): group for group in root.iter(f"{{{SVG}}}g")}
    for name, texts in titles.items():
        for element, said in zip(_drawn(groups[name]), texts, strict=True):
            ElementTree.SubElement(element, f"{{{SVG}}}title").text = said
        del groups[name].attrib["id"]
    return ElementTree.tostring(root, encoding="unicode")


def _drawn(group: Element) -> list[Element]:
    """Return the elements of a group that are seen, its definitions apart."""
    found: list[Element] = []
    for child in group:
        kind = child.tag.rpartition("}")[2]
        if kind in ("use", "path", "image"):
            found.append(child)
        elif kind == "g":
            found += _drawn(child)
    return found


def legend(axes: Axes, handles: Sequence[Any], names: Sequence[str], **place: Any) -> None:
    """Draw a legend of these names, whatever they begin with, by default above the axes."""
    shown = [plain(name) for name in names]
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": len(names)}
    axes.legend(handles, shown, frameon=False, labelcolor=INK, **(place or above))


def plain(text: str) -> str:
    """Return a text that Matplotlib draws as it is, and not as a formula."""
    return text.replace("$", r"\$")
