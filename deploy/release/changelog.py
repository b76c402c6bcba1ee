"""Release notes: the section of the changelog on a version."""

import datetime
import re
from dataclasses import dataclass

HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<date>.+)$", re.MULTILINE)
RELATIVE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")


@dataclass(frozen=True)
class Section:
    """What the changelog says of a version.

    Attributes:
        date: When the version is released, None for "unreleased".
        notes: Its changes, in Markdown. Links into the clone, which lead nowhere elsewhere, are
            their text alone.
    """

    date: datetime.date | None
    notes: str


def section(changelog: str, version: str) -> Section:
    """Return the section on a version, in the manner of Keep a Changelog.

    Args:
        changelog: The whole changelog, with headings `## [VERSION] - DATE`, where DATE is an
            ISO 8601 date or "unreleased".
        version: The version.

    Raises:
        ValueError: It has no such section, an empty one, or one with another date.
    """
    headings = list(HEADING.finditer(changelog))
    found = [heading for heading in headings if heading["version"] == version]
    if len(found) != 1:
        others = ", ".join(heading["version"] for heading in headings) or "none"
        raise ValueError(f"CHANGELOG.md: expected one heading ## [{version}], received {others}")
    [heading] = found
    ends = [each.start() for each in headings if each.start() > heading.start()]
    text = changelog[heading.end() : min(ends, default=len(changelog))].strip()
    if not text:
        raise ValueError(f"CHANGELOG.md: expected changes in {version}, received none")
    return Section(_date(heading["date"]), RELATIVE_LINK.sub(r"\1", text) + "\n")


def _date(text: str) -> datetime.date | None:
    """Return the date of a heading, None for "unreleased"."""
    if text == "unreleased":
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        expected = 'a date like 2026-12-01 or "unreleased"'
        raise ValueError(f"CHANGELOG.md: expected {expected}, received {text!r}") from None
