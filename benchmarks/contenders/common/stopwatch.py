"""A codec that writes and reads photographs as it is told to, and says how long each took.

One at a time, so that several codecs can take turns.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
"""(height, width, 3), red first: uint8 or uint16."""
Writer = Callable[[Pixels], bytes]
Reader = Callable[[bytes], Pixels]


def serve(writers: Mapping[str, Mapping[str, Writer]], readers: Mapping[str, Reader]) -> None:
    """Print what there is as a line of JSON; then do what each line of input says, and answer so.

    writers: to PNG, by depth ("8" or "16") and by their settings; readers: by format. A line is
    {"write": [depth, settings]} or {"read": format}, with the files "from" and "to"; pixels are in
    files of numpy's.
    """
    known = {depth: list(each) for depth, each in writers.items()}
    _say({"writers": known, "readers": list(readers)})
    for line in sys.stdin:
        task = json.loads(line)
        try:
            _say(_done(task, writers, readers))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this codec's result
            _say({"reason": f"{type(error).__name__}: {error}"})


def _done(
    task: Mapping[str, Any],
    writers: Mapping[str, Mapping[str, Writer]],
    readers: Mapping[str, Reader],
) -> dict[str, float]:
    source, target = Path(task["from"]), Path(task["to"])
    if "write" in task:
        depth, settings = task["write"]
        pixels, writer = np.load(source), writers[depth][settings]
        began = _now()
        file = writer(pixels)
        took = _since(began)
        target.write_bytes(file)
        return took
    body, reader = source.read_bytes(), readers[task["read"]]
    began = _now()
    pixels = reader(body)
    took = _since(began)
    with target.open("wb") as stream:
        np.save(stream, pixels)
    return took


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> dict[str, float]:
    """Seconds, and those of processors, of all threads together."""
    seconds, cpu = (now - then for now, then in zip(_now(), began, strict=True))
    return {"seconds": seconds, "cpu": cpu}


def _say(what: Mapping[str, Any]) -> None:
    print(json.dumps(what), flush=True)
