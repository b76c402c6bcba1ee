"""What an HTML page says: its headings, its text, its tables, and what it would load."""

from html.parser import HTMLParser
from pathlib import Path

SOURCES = ("src", "href", "xlink:href")


class Text(HTMLParser):
    """The parts of a page that tests look at.

    Attributes:
        headings: Of sections.
        words: All text but styles.
        rows: Cells of each row of each table.
        sources: What images, links and figures name.
        images: What images name.
        figures: Labels of the drawn figures.
    """

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.words = ""
        self.rows: list[list[str]] = []
        self.sources: list[str] = []
        self.images: list[str] = []
        self.figures: list[str] = []
        self._within: list[str] = []

    @classmethod
    def of(cls, path: Path) -> "Text":
        parsed = cls()
        parsed.feed(path.read_text(encoding="utf-8"))
        return parsed

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.sources += [named[name] or "" for name in SOURCES if name in named]
        if tag == "img":
            self.images.append(named["src"] or "")
        if tag == "svg":
            self.figures.append(named.get("aria-label") or "")
        if tag in ("h2", "style", "td", "th"):
            self._within.append(tag)
        if tag == "h2":
            self.headings.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self._within:
            return
        self.words += data
        if "h2" in self._within:
            self.headings[-1] += data
        if "td" in self._within or "th" in self._within:
            self.rows[-1][-1] += f" {data.strip()}" if data.strip() else ""
