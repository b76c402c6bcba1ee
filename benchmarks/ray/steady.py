"""Clients that ask steadily, each for images of its own, and compare every response."""

import contextlib
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx
import numpy as np
from PIL import Image

SIDE = 256
"""Of a photograph, in pixels."""
QUESTIONS = 3
"""Of each client, in turn."""
SEED = 17
ARRAY, PHOTOGRAPH = "array", "photograph"
TIMEOUT = 60.0
"""Seconds after which a client gives up."""
LEVELS = 2
"""By which pixels may differ, as batches of other sizes round otherwise."""
SHARE = 1e-3
"""By which floats may, for the same reason."""


@dataclass(frozen=True)
class Question:
    """A request.

    Attributes:
        kind: ARRAY or PHOTOGRAPH.
        path: Of the URL.
        body: What is sent.
        media_type: Its type.
    """

    kind: str
    path: str
    body: bytes
    media_type: str

    def ask(self, client: httpx.Client) -> httpx.Response:
        return client.post(self.path, content=self.body, headers={"Content-Type": self.media_type})

    def read(self, content: bytes) -> np.ndarray:
        """Return what a response has."""
        if self.kind == ARRAY:
            array: np.ndarray = np.load(io.BytesIO(content))
            return array
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image).astype(np.int16)

    def is_right(self, content: bytes, expected: np.ndarray) -> bool:
        """Return whether a response has what is expected, up to rounding."""
        try:
            found = self.read(content)
        except (OSError, ValueError):
            return False
        if found.shape != expected.shape:
            return False
        if self.kind == PHOTOGRAPH:
            return bool(np.abs(found - expected).max() <= LEVELS)
        return bool(np.allclose(found, expected, rtol=SHARE, atol=SHARE * np.abs(expected).max()))


@dataclass(frozen=True)
class Outcome:
    """What became of a request.

    Attributes:
        kind: As the question's.
        began: The time.monotonic() at which it was sent.
        seconds: Until its response was here.
        status: Of the response, 0 where the connection ended without.
        code: Of the problem that it reports, or its text.
        right: Whether it is what it should be.
    """

    kind: str
    began: float
    seconds: float
    status: int
    code: str
    right: bool


@dataclass
class Seen:
    """What clients saw so far, in the order in which it came."""

    outcomes: list[Outcome] = field(default_factory=list)

    def statuses(self) -> str:
        """Return how many requests were answered how, wrong and lost ones apart."""
        counts = Counter(
            ("200" if each.right else "200 but wrong")
            if each.status == 200
            else f"{each.status or 'lost'} {each.code}".strip()
            for each in self.outcomes
        )
        return ", ".join(f"{count} x {what}" for what, count in sorted(counts.items()))

    def last_fault(self, since: float) -> float:
        """Return the seconds after which the last request that failed was answered, 0 for none."""
        ends = [each.began + each.seconds for each in self.outcomes if not each.right]
        return max([end - since for end in ends if end > since], default=0.0)


class Clients:
    """The clients of a load, and what they are to be answered."""

    def __init__(self, url: str, *, arrays: int, photographs: int) -> None:
        """Ask every question once, while nothing else runs.

        Args:
            url: Of the service.
            arrays: Clients that encode arrays of one 28x28 image.
            photographs: Clients that denoise PNG files.
        """
        random = np.random.default_rng(SEED)
        self._url = url
        self._questions = [[_array(random) for _ in range(QUESTIONS)] for _ in range(arrays)] + [
            [_photograph(random) for _ in range(QUESTIONS)] for _ in range(photographs)
        ]
        with self._client() as client:
            self._expected = {
                each: each.read(each.ask(client).raise_for_status().content)
                for questions in self._questions
                for each in questions
            }

    @contextlib.contextmanager
    def asking(self, pause: float, *, only: int | None = None) -> Iterator[Seen]:
        """Let clients ask again and again until the end of the block.

        Args:
            pause: Seconds between a response and the next request of a client.
            only: How many of them, the first ones; None for all.
        """
        seen, over = Seen(), threading.Event()
        threads = [
            threading.Thread(target=self._run, args=(questions, seen, over, pause))
            for questions in self._questions[:only]
        ]
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _run(
        self, questions: Sequence[Question], seen: Seen, over: threading.Event, pause: float
    ) -> None:
        with self._client() as client:
            while not over.is_set():
                for question in questions:
                    seen.outcomes.append(self._outcome(question, client))
                    over.wait(pause)

    def _outcome(self, question: Question, client: httpx.Client) -> Outcome:
        began = time.monotonic()
        status, code, right = 0, "", False
        try:
            response = question.ask(client)
            status = response.status_code
            if status == 200:
                right = question.is_right(response.content, self._expected[question])
            elif response.headers["Content-Type"] == "application/problem+json":
                code = response.json()["code"]
            else:
                code = response.text[:60]
        except httpx.HTTPError as error:
            code = type(error).__name__
        return Outcome(question.kind, began, time.monotonic() - began, status, code, right)

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, timeout=TIMEOUT, trust_env=False)


def _array(random: np.random.Generator) -> Question:
    file = io.BytesIO()
    np.save(file, random.random((1, 28, 28), np.float32))
    return Question(ARRAY, "/encode?model=stacked", file.getvalue(), "application/x-npy")


def _photograph(random: np.random.Generator) -> Question:
    file = io.BytesIO()
    coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    noisy = np.asarray(image) + random.normal(0, 20, (SIDE, SIDE, 3))
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return Question(PHOTOGRAPH, "/denoise?model=photo&sigma=20", file.getvalue(), "image/png")
