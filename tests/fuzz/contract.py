"""Requests that follow from the OpenAPI document, and responses that must be as it says.

Schemathesis makes them: examples, boundary values, what the schemas allow and what they do not, and
sequences along the links; each response passes all of its checks. python -m tests.fuzz.contract
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.python import asgi
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.identity import SCOPES, ScopeName
from service.api.codecs.ndjson import NDJSON
from service.app import create_app
from service.settings import Settings
from tests.service.keys import Made, lines, made
from tests.service.tiny import write_model

SEED = 20_261_129
MOST_PIXELS = 1 << 16
DOCUMENTED = ["2xx", "3xx", 400, 401, 403, 404, 406, 409, 413, 415, 422, 429, 501]
"""Statuses of requests that schemas allow: a body is no picture, a shape not the model's, a job has
failed. said_why() checks that such a response says what was expected."""
UNLOAD = "/v2/repository/models/{model}/unload"
"""It takes away the models of all other requests, which have a run of their own without it."""
JOBS = {
    # The operation checks a body once the job runs.
    "/jobs": {"negative_data_rejection": {"enabled": False}},
    # DELETE cancels a job that has not finished, which stays to be looked at.
    "/jobs/{id}": {"use_after_free": {"enabled": False}},
}
PROBLEM, V2 = "application/problem+json", "/v2"


@dataclass
class Outcome:
    """What came of the requests.

    Attributes:
        requests: How many were sent.
        statuses: Those of the responses.
        faults: What is not as the document says, each once.
        checks: How often each check was made.
    """

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    checks: Counter[str] = field(default_factory=Counter)


class Lazily:
    """A service that starts in the thread that serves it, as a server's does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = create_app(self._settings)
        await self._app(scope, receive, send)


@schemathesis.serializer(NDJSON)
def _as_lines(_context: Any, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.deserializer(NDJSON)
def _lines(_context: Any, response: Any) -> str:
    """Return lines as the schema has them, a text, of which each is JSON."""
    text: str = response.content.decode()
    for line in text.splitlines():
        json.loads(line)
    return text


@schemathesis.check
def said_why(_context: Any, response: Any, case: Any) -> None:
    """Check that an error says what was expected."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    document = response.json()
    if case.operation.path.startswith(V2):
        assert list(document) == ["error"], document
        told = document["error"]
    else:
        assert document["status"] == response.status_code, document
        assert document["code"], document
        assert document["title"], document
        told = document["detail"]
    assert told, document


def run(
    scopes: tuple[ScopeName, ...],
    examples: int,
    seed: int,
    *,
    phases: set[str],
    unloads: bool = False,
) -> Outcome:
    """Send requests with a key to a service over tiny models, in this process.

    Args:
        scopes: Those of the key.
        examples: Requests for each operation that are made at random.
        seed: From which they are made.
        phases: Which of examples, coverage, fuzzing and stateful.
        unloads: Whether some of the requests unload models.
    """
    with tempfile.TemporaryDirectory() as folder:
        key = made("client", *scopes)
        app = Lazily(_settings(Path(folder), key))
        config = SchemathesisConfig.from_dict(_configured(key, examples, seed, phases))
        every = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
        schema = every if unloads else every.exclude(path=UNLOAD)
        outcome = Outcome()
        try:
            for event in from_schema(schema).execute():
                for name, fault in _noted(event, outcome):
                    outcome.faults.setdefault(name, fault)
        finally:
            asgi.shutdown_lifespans()
        return outcome


def _settings(folder: Path, key: Made) -> Settings:
    models, keys = folder / "models", folder / "keys"
    for name in ("half", "mirror", "photo", "rows"):
        (write_model(models, name) / "README.md").write_text(f"# {name}\n")
    keys.write_text(lines(key, made("other", *SCOPES)))
    keys.chmod(0o600)
    return Settings(
        port=0,
        models=models,
        device="cpu",
        default_encode="mirror",
        default_decode="mirror",
        default_denoise="half",
        default_picture="photo",
        api_keys_file=keys,
        jobs_dir=str(folder / "jobs"),
        max_pixels=MOST_PIXELS,
    )


def _configured(key: Made, examples: int, seed: int, phases: set[str]) -> dict[str, Any]:
    every = ("examples", "coverage", "fuzzing", "stateful")
    return {
        "seed": seed,
        "continue-on-failure": True,
        "auth": {"openapi": {"bearer": {"bearer": key.key}}},
        "generation": {
            "max-examples": examples,
            "with-security-parameters": False,
            "database": "none",
        },
        "checks": {"enabled": True, "positive_data_acceptance": {"expected-statuses": DOCUMENTED}},
        "phases": {name: {"enabled": name in phases} for name in every},
        "operations": [{"include-path": path, "checks": checks} for path, checks in JOBS.items()],
    }


def _noted(event: Any, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Count what an event tells; yield the name and the text of each fault."""
    if isinstance(event, events.NonFatalError | events.FatalError):
        error = event.value if isinstance(event, events.NonFatalError) else event.exception
        yield f"{type(event).__name__}: {error}"[:200], str(error)
    if not isinstance(event, events.ScenarioFinished):
        return
    for interaction in event.recorder.interactions.values():
        outcome.requests += 1
        if interaction.response is not None:
            outcome.statuses[interaction.response.status_code] += 1
    for checks in event.recorder.checks.values():
        for check in checks:
            outcome.checks[check.name] += 1
            if check.failure_info:
                failure = check.failure_info.failure
                name = f"{event.label or 'links'}: {failure.title}: {failure.message}"[:400]
                yield name, check.failure_info.code_sample


def main(arguments: list[str] | None = None) -> int:
    """Send requests with keys of all scopes and of each; return 1 where there is a fault.

    Args:
        arguments: Those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    phases = {"examples", "coverage", "fuzzing", "stateful"}
    status = 0
    runs = [(SCOPES, False), *(((each,), False) for each in SCOPES), (SCOPES, True)]
    for scopes, unloads in runs:
        outcome = run(scopes, options.examples, options.seed, phases=phases, unloads=unloads)
        print(f"{','.join(scopes)}: {outcome.requests:,} requests, {dict(outcome.statuses)}")
        print(f"  {sum(outcome.checks.values()):,} checks: {dict(outcome.checks)}")
        for name, sample in outcome.faults.items():
            print(f"  {name}\n    {sample}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
