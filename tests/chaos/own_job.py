"""A job besides the load: sent, waited for, and kept."""

import asyncio
import contextlib
import json

from tests.chaos.exchange import Connection
from tests.chaos.fault import Stage
from tests.chaos.questions import Question, request

PATIENCE = 900
"""Looks at the job, ten a second."""


async def finished(stage: Stage) -> tuple[str, Question]:
    """Return the path of a job that has succeeded, and what its result has to be."""
    job = next(each for each in stage.load.clients[0] if each.job)
    with contextlib.closing(Connection(stage.service.address)) as connection:
        path = await _succeeded(connection, job)
    return path, job


async def _succeeded(connection: Connection, job: Question) -> str:
    path = (await connection.ask(job.request)).headers["location"]
    state = ""
    for _ in range(PATIENCE):
        await asyncio.sleep(0.1)
        state = json.loads((await connection.ask(request("GET", path))).body)["state"]
        if state == "succeeded":
            return path
    raise AssertionError(f"expected {path} to succeed, received {state}")
