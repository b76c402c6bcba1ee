"""The keys under which a job is stored, and what they say of it together."""

import re
from collections.abc import Mapping

import orjson

from service.jobs.record import End, Entry, Job, Run

ATTEMPTS = 3
"""Attempts to run a job: one that ends its process each time is not tried for ever."""
KNOWN = re.compile(r"[0-9a-f]{32}")
"""Ids of jobs."""
JOB, END, CALLED, RECALLED, RUN = "job", "end", "called", "recalled", "run"
AGAIN = "again"
"""The attempt for which a job waits that was given back: its last one is over."""
RUNS = tuple(f"{RUN}{attempt}" for attempt in range(1, ATTEMPTS + 1))


def entry_of(values: Mapping[str, bytes]) -> Entry | None:
    """Return what is stored of a job by its keys, None where its own record is gone."""
    if JOB not in values:
        return None
    last = max((number for number, key in enumerate(RUNS, 1) if key in values), default=0)
    is_over = last < int(values.get(AGAIN, b"0"))
    return Entry(
        Job(**orjson.loads(values[JOB])),
        last,
        None if is_over or not last else Run(**orjson.loads(values[f"{RUN}{last}"])),
        End(**orjson.loads(values[END])) if END in values else None,
        CALLED in values,
    )


def key_of(job_id: str, what: str) -> str:
    """Return the key of one of these of a job."""
    return f"{job_id}/{what}"


def parts_of(key: str | bytes) -> tuple[str, str]:
    """Return the job of a key, and which one it is."""
    text = key if isinstance(key, str) else key.decode()
    job_id, _, what = text.partition("/")
    return job_id, what
