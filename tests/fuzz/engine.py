"""Fuzzes one target in this process, guided by the coverage of the code: atheris, on libFuzzer.

python -m tests.fuzz.engine TARGET INPUTS SECONDS FOLDER
"""

import hashlib
import os
import sys
import time
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.registry import target_of
from tests.fuzz.target import Fault, Target

INSTRUMENTED = ["service", "multipart", "PIL"]
"""Packages whose branches guide the fuzzer."""
LONGEST = 1.0
"""Seconds of the processor's time that an input may take."""
HANGS = 60
"""Seconds after which an input that has not ended is a fault."""
MEMORY = 3072
"""MiB of memory that the process may take."""
GROWTH = 32
"""MiB that it may grow by, from half of its inputs to their end."""


def main(name: str, inputs: str, seconds: str, folder: str) -> None:
    """Fuzz a target.

    Args:
        name: The target.
        inputs: How many.
        seconds: After which to end all the same, 0 for no end.
        folder: What has been found before, and where what is found goes.
    """
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        target = target_of(name)
        seeds = [*target.seeds(), *corpus.kept(name)]
    found = Path(folder) / name
    found.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (found / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    words = Path(folder) / f"{name}.words"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in target.words))
    options = {
        "artifact_prefix": f"{folder}/fault-{name}-",
        "dict": str(words),
        "max_len": str(target.longest),
        "max_total_time": seconds,
        "print_final_stats": "1",
        "rss_limit_mb": str(MEMORY),
        "runs": inputs,
        "timeout": str(HANGS),
    }
    arguments = [f"-{option}={value}" for option, value in options.items()]
    watched = Watched(target, int(inputs), int(seconds))
    atheris.Setup(["fuzz", *arguments, str(found)], watched)
    atheris.Fuzz()  # ends the process


class Watched:
    """Runs inputs, fails where one takes too long, and tells how the memory grows."""

    def __init__(self, target: Target, inputs: int, seconds: int = 0) -> None:
        """Prepare a run.

        Args:
            target: What is fuzzed.
            inputs: How many there will be.
            seconds: After which it ends all the same, 0 for no end.
        """
        self._target = target
        self._inputs = inputs
        self._seconds = seconds
        self._began = time.monotonic()
        self._done = 0
        self._early = 0
        self._is_over = False

    def __call__(self, data: bytes) -> None:
        started = time.process_time()
        self._target.run(data)
        taken = time.process_time() - started
        if taken > LONGEST:
            raise Fault(f"expected at most {LONGEST:g} s, received {taken:.1f} s")
        self._done += 1
        part = self._done / self._inputs
        if self._seconds:
            part = max(part, (time.monotonic() - self._began) / self._seconds)
        if part >= 0.5 and not self._early:
            self._early = _resident()
        elif part >= 0.95 and not self._is_over:
            self._is_over = True
            grown = (_resident() - self._early) >> 20
            sys.stderr.write(f"memory grew by {grown} MiB\n")
            if grown > GROWTH:
                raise Fault(f"expected memory to grow by at most {GROWTH} MiB, received {grown}")


def _resident() -> int:
    """Return the bytes of memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _quoted(word: bytes) -> str:
    """Return a word as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(*sys.argv[1:])
