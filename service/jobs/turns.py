"""The order in which jobs run: callers take turns, weighted, however many jobs each has.

Start-time fair queueing (P. Goyal, H. M. Vin, H. Cheng, SIGCOMM 1996), as in the queue of requests:
a job is tagged with what its caller would have had by then if each had its share all along, and
jobs run in the order of their tags. What a job costs is the size of its body.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from service.inference.caller import Caller

if TYPE_CHECKING:
    from huey.storage import BaseStorage

KEY = "turns"
"""The key under which the processes that share a store keep what they know of turns."""
LEAST = 64 * 1024
"""Bytes that a job costs at least."""


@dataclass(frozen=True)
class _Known:
    """What is known.

    Attributes:
        now: The tag of the job that has begun last.
        ends: By callers that are ahead of it, the tag that the next of their jobs has.
    """

    now: float = 0.0
    ends: Mapping[str, float] = field(default_factory=dict)


class Turns:
    """The turns of the callers of a store. Every method blocks, and raises what its library does.

    Two processes that change what is known at once may lose one of the changes: then a caller is
    ahead by a job.
    """

    def __init__(self, storage: "BaseStorage") -> None:
        """Use a storage that is open."""
        self._storage = storage

    def place(self, caller: Caller, size: int) -> float:
        """Return the tag of a new job: of two that wait, the one of the lesser runs first.

        Args:
            caller: Whose it is.
            size: Bytes of its body.
        """
        known = self._known()
        ends = {name: end for name, end in known.ends.items() if end > known.now}
        tag = ends.get(caller.name, known.now)
        ends[caller.name] = tag + max(LEAST, size) / caller.weight
        self._keep(_Known(known.now, ends))
        return tag

    def begin(self, tag: float) -> None:
        """Note that the job of a tag runs."""
        known = self._known()
        if tag > known.now:
            self._keep(_Known(tag, known.ends))

    def _known(self) -> _Known:
        stored = self._storage.peek_data(KEY)
        return _Known(**orjson.loads(stored)) if isinstance(stored, bytes) else _Known()

    def _keep(self, known: _Known) -> None:
        self._storage.put_data(KEY, orjson.dumps(known))
