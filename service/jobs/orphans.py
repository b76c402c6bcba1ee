"""Removes what uploads and attempts have left that a crash has cut off, and nothing else."""

from collections.abc import Collection, Mapping

from service.jobs.record import Entry, job_of
from service.jobs.store import Store

ORPHAN_SECONDS = 3600.0
"""After which a blob that no job needs is removed: one that is being written is newer."""


def remove_orphans(store: Store, entries: Mapping[str, Entry], uploads: Collection[str]) -> None:
    """Remove blobs, whole and unfinished ones, that no job needs; a folder may hold other files.

    Args:
        store: Where the jobs are.
        entries: What is stored of every job.
        uploads: Ids of jobs whose bodies this process is receiving.

    Raises:
        JobsUnavailable: The store cannot be read or written.
    """
    with store.reached():
        for blobs in {store.bodies, store.results}:
            for name in blobs.stale(ORPHAN_SECONDS):
                job_id = job_of(name)
                entry = entries.get(job_id)
                is_needed = entry and (not entry.end or name == entry.result)
                if job_id and job_id not in uploads and not is_needed:
                    blobs.delete(name)
