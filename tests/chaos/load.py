"""A load: clients that each ask their own questions in turn, and check every response."""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from service.errors import ServiceError
from tests.chaos.exchange import PATIENCE, Address, Connection, Lost, Reply
from tests.chaos.questions import Question, request
from tests.chaos.tally import Tally

PAUSE = 0.1
"""Seconds between a refusal, or a lost connection, and the next request."""
POLL = 0.1
"""Seconds between two looks at a job."""
OVERLOADED, UNAVAILABLE = 429, 503


def codes(error: type[ServiceError] = ServiceError) -> dict[str, int]:
    """Return every code that the service documents, with its status; not that of its own errors."""
    known = {each.code: each.status for each in error.__subclasses__()}
    for each in error.__subclasses__():
        known |= codes(each)
    return known


class Load:
    """Clients in closed loop.

    Attributes:
        clients: Their questions.
        tally: What became of their requests.
        refusals: The statuses that the service may refuse requests with.
        lossy: Whether connections may be closed, as processes are killed.
        turned_away: Since when (time.monotonic()) requests may be turned away at the door, as the
            service ends: those whose connection is closed before they are read.
        left: Jobs that were accepted before the end, by path, with what their results have to be.
    """

    def __init__(
        self,
        address: Address,
        clients: Sequence[Sequence[Question]],
        *,
        refusals: frozenset[int] = frozenset((OVERLOADED, UNAVAILABLE)),
        lossy: bool = False,
        pace: float = 0.0,
    ) -> None:
        """Prepare clients, which begin with the block.

        Args:
            address: Where the service listens.
            clients: The questions of each client.
            refusals: The statuses that the service may refuse requests with.
            lossy: Whether connections may be closed.
            pace: Seconds that a client waits between two requests.
        """
        self.tally = Tally()
        self.refusals = refusals
        self.lossy = lossy
        self.turned_away = float("inf")
        self.left: dict[str, Question] = {}
        self._address = address
        self.clients = clients
        self._pace = pace
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._codes = codes()

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._client(questions, number))
            for number, questions in enumerate(self.clients)
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        if error:
            for task in self._tasks:
                task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and error is None:
                raise outcome

    def end(self) -> None:
        """Let each client ask nothing more after what it is at."""
        self._over.set()

    async def settle(self) -> None:
        """Wait until every client has ended."""
        await asyncio.wait(self._tasks)

    async def _client(self, questions: Sequence[Question], number: int) -> None:
        connection = Connection(self._address)
        start = number % len(questions)  # so that all kinds are under way at any time
        try:
            for question in itertools.islice(itertools.cycle(questions), start, None):
                if self._over.is_set():
                    return
                if question.job:
                    await self._job(connection, question)
                else:
                    await self._ask(connection, question)
                await asyncio.sleep(self._pace)
        finally:
            connection.close()

    async def _ask(self, connection: Connection, question: Question) -> None:
        began = time.monotonic()
        reply = await self.reply(connection, question.request, question.name)
        if reply is None:
            return
        seconds = time.monotonic() - began
        if reply.status == 200:
            self._judge(question, reply)
            self.tally.seconds.append(seconds)
        else:
            self.tally.refusals.append(seconds)
            await self._refused(question.name, reply)

    async def _job(self, connection: Connection, question: Question) -> None:
        """Send a job, wait for its end, check its result, forget it."""
        reply = await self.reply(connection, question.request, question.name)
        if reply is None:
            return
        if reply.status != 202:
            await self._refused(question.name, reply)
            return
        await self.outcome(connection, reply.headers["location"], question)

    async def outcome(self, connection: Connection, path: str, question: Question) -> None:
        """Wait for the end of a job that was accepted, check its result, forget it."""
        deadline = time.monotonic() + PATIENCE
        document: dict[str, Any] = {"state": "queued"}
        while (state := document["state"]) in ("queued", "running"):
            if time.monotonic() > deadline:
                self.tally.missing.append(f"{question.name}: {path} is {state}")
                return
            await asyncio.sleep(POLL)
            reply = await self._again(connection, request("GET", path), "job's document")
            if self._ends():
                self.left[path] = question
                return
            if reply is None:
                return
            document = {"state": reply.status} | json.loads(reply.body)
        if state == "failed":
            self._count(question.name, document["error"]["status"], document["error"])
        elif state != "succeeded":
            self.tally.wrong.append(f"{question.name}: {path} is {state}")
        else:
            reply = await self._again(connection, request("GET", f"{path}/result"), "job's result")
            if self._ends():
                self.left[path] = question
                return
            if reply:
                self._judge(question, reply)
        await self._again(connection, request("DELETE", path), "job's end")

    def _ends(self) -> bool:
        return time.monotonic() > self.turned_away

    async def _again(self, connection: Connection, asked: bytes, name: str) -> Reply | None:
        """Return the response to what may be sent again if its connection is lost or refused."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            reply = await self.reply(connection, asked, name)
            if reply and reply.status not in self.refusals:
                return reply
            if reply:
                await self._refused(name, reply)
            elif not self.lossy or self._ends():
                return None
        self.tally.missing.append(f"{name}: refused or lost for {PATIENCE:g} s")
        return None

    async def reply(self, connection: Connection, asked: bytes, name: str) -> Reply | None:
        """Return a response, None where there is none, which is counted."""
        began = time.monotonic()
        try:
            return await connection.ask(asked)
        except TimeoutError:
            self.tally.missing.append(f"{name}: no response in {PATIENCE:g} s")
        except Lost as error:
            may_be = self.lossy or (not error.begun and began > self.turned_away)
            if may_be:
                self.tally.lost += 1
                self.tally.troubles.append(time.monotonic())
            else:
                since = time.monotonic() - began
                self.tally.missing.append(f"{name}: {error} after {since:.2f} s")
            await asyncio.sleep(PAUSE)
        return None

    def _judge(self, question: Question, reply: Reply) -> None:
        try:
            fault = f"{reply.status} {reply.body[:300]!r}" * (reply.status != 200)
            fault = fault or question.check(reply)
        except Exception as error:  # noqa: BLE001 - whatever cannot be read is a wrong answer
            fault = f"unreadable: {error!r}"
        if fault:
            self.tally.wrong.append(f"{question.name}: {fault}")
        else:
            self.tally.right += 1

    async def _refused(self, name: str, reply: Reply) -> None:
        try:
            told = json.loads(reply.body)
        except ValueError:
            told = {"detail": reply.body[:300]}
        self._count(name, reply.status, told)
        await asyncio.sleep(PAUSE)

    def _count(self, name: str, status: int, told: dict[str, Any]) -> None:
        """Count an error as a refusal if it is one that the fault may lead to, else as wrong."""
        code = told.get("code", "error" if "error" in told else "")  # /v2 has no codes
        is_known = code == "error" or self._codes.get(code) == status
        if status in self.refusals and is_known:
            self.tally.refused[f"{status} {code}"] += 1
            self.tally.troubles.append(time.monotonic())
        else:
            self.tally.wrong.append(f"{name}: {status} {told}")
