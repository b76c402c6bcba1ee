"""How many arenas of memory a process makes, and what becomes of what is free in them."""

import os
import platform
import subprocess
import sys

import pytest

from tests.service.running import ROOT

PROGRAM = """
import ctypes, threading
from service import allocator
allocator.bound()
c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def allocate():
    together.wait()
    for _ in range(1000):
        c.malloc(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
c.fdopen.restype = ctypes.c_void_p
c.malloc_info(0, ctypes.c_void_p(c.fdopen(1, b"w")))
c.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
@pytest.mark.parametrize(("variable", "most"), [({}, 2), ({"MALLOC_ARENA_MAX": "5"}, 5)])
def test_threads_share_few_arenas(variable: dict[str, str], most: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | variable,
    ).stdout
    assert 1 < told.count("<heap nr=") <= most


FREED = """
import asyncio, contextlib, ctypes
from pathlib import Path
from service import allocator
allocator.SECONDS = 0.01
c = ctypes.CDLL(None)
c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])
blocks = []
for _ in range(1000):
    blocks.append(c.malloc(100_000))
    ctypes.memset(ctypes.c_void_p(blocks[-1]), 1, 100_000)
    c.malloc(100)  # stays, so that nothing before it is at an end
for block in blocks:
    c.free(block)
async def main():
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(allocator.trim(), 1)
before = resident()
asyncio.run(main())
print(before, resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_free_memory_goes_back_to_the_system() -> None:
    told = subprocess.run(
        [sys.executable, "-c", FREED], check=True, cwd=ROOT, capture_output=True, text=True
    ).stdout
    before, after = map(int, told.split())
    assert after < before / 2
