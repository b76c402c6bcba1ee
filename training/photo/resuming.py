"""Whether a training in a folder can be resumed, and what it was before."""

from dataclasses import replace
from pathlib import Path

from training.photo import checkpoint
from training.photo.loop import CHECKPOINT
from training.photo.record import PhotoRecord
from training.photo.schedule import Schedule

IDENTITY = "seed", "photographs", "validation", "model", "settings", "precision"
"""Fields of a record that tell one training from another."""


def ended(
    folder: Path, record: PhotoRecord, schedule: Schedule, *, amend: bool
) -> PhotoRecord | None:
    """Return the record of a folder's training if that has ended; else check that it can go on.

    Args:
        folder: Of the run; it may hold nothing.
        record: Of the training that is requested.
        schedule: Of the same.
        amend: Whether the settings may be others.

    Raises:
        FileExistsError: The folder holds another training, or no training.
        ValueError: The length is another one, and the learning rate falls already.
    """
    earlier = PhotoRecord.find(folder)
    if earlier is None:
        return None
    expected = record
    if amend and not earlier.ended:
        expected = replace(record, settings=earlier.settings)
    if name := next((n for n in IDENTITY if getattr(earlier, n) != getattr(expected, n)), None):
        mine, theirs = str(getattr(expected, name)), str(getattr(earlier, name))
        amending = "" if earlier.ended or name != "settings" else "--amend resumes with these, "
        raise FileExistsError(
            f"{folder}: expected a training with {name} {differing(mine, theirs)}, received one "
            f"with {differing(theirs, mine)}; --again replaces the training, {amending}--runs "
            "names another folder"
        )
    if (earlier.steps, earlier.minutes) != (record.steps, record.minutes):
        before = replace(schedule, steps=earlier.steps, minutes=earlier.minutes)
        _check_length(folder, before, schedule)
        return None
    return earlier if earlier.ended else None


def before(folder: Path, record: PhotoRecord) -> list[str]:
    """Return the settings that the training of a folder had before, each up to a step.

    Args:
        folder: Of the run.
        record: Of the requested training.
    """
    earlier = PhotoRecord.find(folder)
    if earlier is None:
        return []
    reached = checkpoint.position(folder / CHECKPOINT).step
    if earlier.settings == record.settings or not reached:
        return earlier.before
    return [
        *earlier.before,
        f"until step {reached} ({differing(earlier.settings, record.settings)})",
    ]


def differing(text: str, other: str) -> str:
    """Return which parts between semicolons a text has and another has not, or what it lacks."""
    mine, rest = text.split("; "), other.split("; ")
    if own := [each for each in mine if each not in rest]:
        return "; ".join(own)
    return "all but: " + "; ".join(each for each in rest if each not in mine)


def length(settings: Schedule) -> str:
    """Return the length of a training in words."""
    return f"{settings.minutes:g} minutes" if settings.minutes else f"{settings.steps} steps"


def _check_length(folder: Path, before: Schedule, after: Schedule) -> None:
    reached = checkpoint.position(folder / CHECKPOINT)
    for settings in (before, after):
        progress = settings.progress(reached.step, reached.seconds)
        if settings.is_falling(progress):
            raise ValueError(
                f"expected {length(before)}, as the learning rate has begun to fall at "
                f"{progress:.0%} of {length(settings)}, received {length(after)}"
            )
