"""The lock of a folder of jobs, by which a process knows whether it is the only one that uses it.

The system lets go of it when a process ends, however it does: see flock(2).
"""

import os
import sys
import weakref
from pathlib import Path

from service.jobs.files import FILE_MODE


class FolderLock:
    """A lock that is shared by all processes that use a folder."""

    def __init__(self, path: Path) -> None:
        """Lock a file, which is created where it is missing, alone if nobody else has.

        Raises:
            OSError: The file cannot be created.
        """
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY, FILE_MODE)
        # Also where an application is made, and never started.
        self._close = weakref.finalize(self, os.close, self._file)
        self.is_alone = sys.platform != "win32" and self._lock_alone()
        """Whether no other process uses the folder; Windows cannot tell."""
        if not self.is_alone:
            self.share()

    def share(self) -> None:
        """Let others use the folder too; wait for one that has it alone."""
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(self._file, fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go of the lock."""
        self._close()

    def _lock_alone(self) -> bool:
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
