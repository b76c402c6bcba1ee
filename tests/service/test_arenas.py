"""How many arenas of memory a process makes."""

import os
import platform
import subprocess
import sys

import pytest

from tests.service.running import ROOT

PROGRAM = """
import ctypes, threading
from service.server import arenas
arenas.bound()
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
