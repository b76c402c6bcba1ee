"""What may still be stored: how many jobs, and how many bytes of their bodies and results."""

from service.errors import Overloaded
from service.jobs.tally import Tally


class Room:
    """Counts jobs and bytes: those of the last look, and what has come since or is being received.

    Attributes:
        tally: What was stored at the last look.
    """

    def __init__(self, max_jobs: int, max_bytes: int, settings: tuple[str, str]) -> None:
        """Create room for so many.

        Args:
            max_jobs: Jobs that are kept, finished ones included.
            max_bytes: Bytes of their bodies and responses.
            settings: The names of the settings of these two bounds, for the messages of errors.
        """
        self._max_jobs, self._max_bytes = max_jobs, max_bytes
        self._by_jobs, self._by_bytes = settings
        self.tally = Tally()
        self._since = [0, 0]  # jobs and bytes that came since, less those that went
        self._uploads: dict[str, int] = {}  # bytes that were received, by job

    @property
    def uploads(self) -> frozenset[str]:
        """The ids of the jobs whose bodies are being received."""
        return frozenset(self._uploads)

    @property
    def bytes(self) -> int:
        """The bytes that there is room for."""
        used = self.tally.bytes + self._since[1] + sum(self._uploads.values())
        return self._max_bytes - used

    def look(self) -> None:
        """Begin a look, which finds all that has come until now."""
        self._since = [0, 0]

    def reserve(self, job_id: str, announced: int) -> None:
        """Count a job whose body is going to be received: bytes count once they are here.

        Args:
            job_id: The job.
            announced: The bytes that its head announces, 0 for none.

        Raises:
            Overloaded: There is no room for it.
        """
        jobs = self.tally.jobs + self._since[0] + len(self._uploads) + 1
        if jobs > self._max_jobs:
            raise Overloaded(
                f"jobs: expected at most {self._max_jobs} ({self._by_jobs}), received one more",
                retry_after=60,
            )
        self._check(announced)
        self._uploads[job_id] = 0

    def grow(self, job_id: str, size: int) -> None:
        """Count bytes of a body that were received. Raises Overloaded."""
        self._check(size)
        self._uploads[job_id] += size

    def settle(self, job_id: str, *, stored: bool) -> None:
        """Count a job that was reserved, as received or as refused."""
        size = self._uploads.pop(job_id)
        if stored:
            self._since[0] += 1
            self._since[1] += size

    def forgot(self, size: int) -> None:
        """Count a job, of so many bytes, that is not kept any more."""
        self._since[0] -= 1
        self._since[1] -= size

    def too_many_bytes(self) -> str:
        """Return what the error of a response says for which there is no room."""
        return f"jobs: expected at most {self._max_bytes} bytes ({self._by_bytes}), received more"

    def _check(self, size: int) -> None:
        if size > self.bytes:
            raise Overloaded(self.too_many_bytes(), retry_after=60)
