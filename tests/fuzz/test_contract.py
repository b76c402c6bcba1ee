"""Requests that follow from the OpenAPI document, to a service with API keys."""

import pytest

from service.access.identity import SCOPES
from tests.fuzz.contract import SEED, run


@pytest.mark.slow
def test_the_service_answers_as_its_openapi_document_says() -> None:
    outcome = run(SCOPES, 1, SEED, phases={"examples", "coverage"})
    assert outcome.faults == {}
    assert outcome.requests > 1000
    assert max(outcome.statuses) < 500
    assert outcome.statuses.keys() >= {200, 202, 401, 404, 405, 422}
