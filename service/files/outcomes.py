"""What became of each file of a run, in JSON Lines, for programs."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TextIO

from service.errors import InvalidValue
from service.files.location import Location
from service.files.plan import Job

Mode = Literal["a", "w", "x"]
Line = dict[str, Any]
"""What became of a photograph."""


class Outcomes:
    """A file with a line for each photograph that was written or failed, as soon as it is so."""

    def __init__(
        self, path: str | None = None, *, append: bool = False, overwrite: bool = False
    ) -> None:
        """Open the file.

        Args:
            path: Its name; None to record nothing.
            append: Whether lines are added to a file that exists, as of a run that is resumed.
            overwrite: Whether a file that exists is replaced.

        Raises:
            InvalidValue: It exists and is not to be added to, or cannot be written.
        """
        self._file: TextIO | None = None
        if path is None:
            return
        try:
            self._file = _opened(Path(path), "a" if append else "w" if overwrite else "x")
        except FileExistsError as error:
            raise InvalidValue(
                f"--report: expected a new file, received {path}, which exists; "
                "--resume adds to it, --overwrite replaces it"
            ) from error
        except OSError as error:
            raise InvalidValue(
                f"--report: expected to write {path}, received: {error.strerror}"
            ) from error

    def written(
        self, job: Job, target: Location | None, levels: list[float], warning: str | None = None
    ) -> None:
        """Record a photograph that is written.

        Args:
            job: The photograph.
            target: Where.
            levels: The noise level that was removed, nothing where none is known.
            warning: What reading it warned of, None where nothing.
        """
        line: Line = {"source": job.name, "target": str(target), "status": "written"}
        line |= {"sigma": round(levels[0], 2)} if levels else {}
        self.record(job, line | ({"warning": warning} if warning else {}))

    def failed(self, job: Job, problem: str) -> None:
        """Record a photograph that failed, and why."""
        self.record(job, failure(job, problem))

    def written_before(self, job: Job, target: Location) -> None:
        """Leave out a photograph whose file was there: it has a line since it was written."""

    def record(self, job: Job, line: Line) -> None:  # noqa: ARG002 - for those that keep lines
        """Record the line of a photograph."""
        self.add(line)

    def add(self, line: Line) -> None:
        """Write a line."""
        if self._file:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()


def failure(job: Job, problem: str) -> Line:
    """Return the line of a photograph that failed."""
    return {"source": job.name, "status": "failed", "problem": problem}


def _opened(path: Path, mode: Mode) -> TextIO:
    # A name that is no UTF-8 has its bytes as \udcXX, which is how JSON escapes them.
    return path.open(mode, encoding="utf-8", errors="backslashreplace")
