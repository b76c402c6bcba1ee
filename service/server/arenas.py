"""glibc's arenas of memory: two, where it makes up to eight for each processor.

A thread allocates from an arena of its own where it can, and what is freed in one is of no use to
another. Photographs come to any thread: with time, each arena has held the largest. Its figures:
docs/decisions/2026-11-29-two-arenas-of-memory.md.
"""

import ctypes
import os
import sys

M_ARENA_MAX = -8
"""As malloc.h defines it."""
MOST = 2
VARIABLE = "MALLOC_ARENA_MAX"
"""The variable by which an operator sets another number."""


def bound() -> None:
    """Bound the arenas of this process, unless the environment does; other libraries have none."""
    if sys.platform == "linux" and VARIABLE not in os.environ:
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option:
            set_option(M_ARENA_MAX, MOST)
