"""Jobs in pages, the newest first."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.errors import InvalidValue
from service.jobs.record import Entry

CURSOR = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)-([0-9a-f]{32})")
"""Where a page begins: after the job that was created then and has this id, which may be gone."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, in their order.

    Attributes:
        entries: The jobs.
        cursor: Where the next page begins, "" after the last.
    """

    entries: list[Entry]
    cursor: str = ""


def page(entries: Iterable[Entry], limit: int, cursor: str = "") -> Page:
    """Return a page of jobs.

    Jobs that are created or forgotten meanwhile leave no other out, and none is listed twice.

    Args:
        entries: All jobs, in any order.
        limit: Jobs of a page at most.
        cursor: Where it begins, as the page before says; "" for the newest.

    Raises:
        InvalidValue: It is no cursor.
    """
    ordered = sorted(entries, key=_place, reverse=True)
    if cursor:
        match = CURSOR.fullmatch(cursor)
        if match is None:
            raise InvalidValue(
                f"cursor: expected what the page before has as next, received {cursor[:80]!r}"
            )
        after = (float(match[1]), match[2])
        ordered = [each for each in ordered if _place(each) < after]
    shown = ordered[:limit]
    if len(shown) == len(ordered):
        return Page(shown)
    created, job_id = _place(shown[-1])
    return Page(shown, f"{created!r}-{job_id}")


def _place(entry: Entry) -> tuple[float, str]:
    return entry.job.created, entry.job.id
