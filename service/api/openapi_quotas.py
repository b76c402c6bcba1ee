"""Quotas in the OpenAPI document: which requests count, and what their responses say of it."""

from typing import Any

from service.api.openapi_security import PROBLEM, V2_ERROR
from service.api.quota_middleware import counts

EXCEEDED = "The API key, or the address, has no more of its quota left"
HEADERS = {
    name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")
}


def add_quotas(document: dict[str, Any]) -> None:
    """Add what clients must know of quotas to an OpenAPI document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not counts(method.upper(), path):
                continue
            responses = operation["responses"]
            told = responses.get("429", {}).get("description")
            responses["429"] = {
                "description": f"{told}; or the quota of the caller is exceeded"
                if told
                else EXCEEDED,
                "content": V2_ERROR if path.startswith("/v2") else PROBLEM,
            }
            for response in responses.values():
                response["headers"] = response.get("headers", {}) | HEADERS
