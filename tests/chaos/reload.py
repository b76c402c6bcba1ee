"""Reloads during load: versions come, break and go, and every response is that of a whole one."""

import asyncio
import itertools
import shutil
from collections import Counter

from tests.chaos.fault import Fault, Stage
from tests.chaos.mix import MODELS
from tests.chaos.models import CHANGES, Change
from tests.chaos.service import eventually

RELOADS, LEAST = 50, 2
"""Changes of the folder in the whole time, and in any time."""
INTERVAL = 0.2
"""Seconds between two looks of the service at its folder."""


async def inflict(stage: Stage) -> None:
    """Deploy a good version of each model, broken ones in its place, and remove it, in turns."""
    models = stage.service.models
    most = max(LEAST, round(RELOADS * stage.seconds / FAULT.seconds))
    names = MODELS if most > len(CHANGES) else MODELS[:1]
    turns = itertools.cycle(itertools.product(CHANGES, names))
    counted = Counter[str]()
    try:
        for change, name in itertools.islice(turns, most):
            await _change(stage, change, name)
            counted[change.outcome] += 1
    finally:
        for name in MODELS:
            shutil.rmtree(models / name / str(CHANGES[0].version), ignore_errors=True)
    stage.over()
    told = ", ".join(f"{count} versions {outcome}" for outcome, count in counted.items())
    stage.notes.append(told)


async def _change(stage: Stage, change: Change, name: str) -> None:
    """Change the folder; wait until every worker has logged what becomes of it."""
    service = stage.service
    line = change.logged.format(name=name, version=change.version)
    before, workers = service.log().count(line), len(service.workers())
    change.make(service.models, name)
    if line:
        await eventually(lambda: service.log().count(line) >= before + workers, f"{line!r} by all")
    else:
        await asyncio.sleep(5 * INTERVAL)


FAULT = Fault("reload", inflict, seconds=60.0, flags=(f"--reload-seconds={INTERVAL}",))
