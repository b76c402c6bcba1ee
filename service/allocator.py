"""glibc's memory: two arenas for each process, whose free pages go back to the system.

A thread allocates from an arena of its own where it can, and what is freed in one is of no use to
another. Photographs come to any thread: with time, each arena has held the largest. What is free
stays with the process, unless it is at an arena's end. The figures of both:
docs/decisions/2026-11-29-memory-of-glibc.md.
"""

import asyncio
import ctypes
import os
import sys
from typing import Any

M_ARENA_MAX = -8
"""As malloc.h defines it."""
MOST = 2
VARIABLE = "MALLOC_ARENA_MAX"
"""The variable by which an operator sets another number."""
SECONDS = 10.0
"""Time between two returns of free pages."""


def bound() -> None:
    """Bound the arenas of this process, unless the environment does; other libraries have none."""
    set_option = _function("mallopt")
    if set_option and VARIABLE not in os.environ:
        set_option(M_ARENA_MAX, MOST)


async def trim() -> None:
    """Give free pages back to the system every so many seconds, for ever."""
    if give_back := _function("malloc_trim"):
        while True:
            await asyncio.sleep(SECONDS)
            await asyncio.to_thread(give_back, 0)


def _function(name: str) -> Any:
    """Return a function of the C library, None where it is another's."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
