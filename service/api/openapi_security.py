"""API keys in the OpenAPI document: how they are sent, and which operation needs which scope."""

from typing import Any

from service.api.schemas import Problem
from service.api.scopes import scope_of

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
PROBLEM = {"application/problem+json": {"schema": Problem.model_json_schema()}}
V2_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
UNAUTHENTICATED = "No API key that the service knows"
FORBIDDEN = "The API key has not the scope `{}`"


def secure(document: dict[str, Any], *, needs_key: bool) -> None:
    """Add what clients must know of API keys.

    Args:
        document: The OpenAPI document.
        needs_key: Whether the service has keys; without, they are optional.
    """
    document["components"]["securitySchemes"] = SCHEMES
    for path, methods in document["paths"].items():
        scope = scope_of(path)
        for operation in methods.values():
            if scope is None:
                operation["security"] = []
                continue
            # From OpenAPI 3.1 on, schemes other than OAuth list what a key must have, too.
            choices: list[dict[str, list[str]]] = [{name: [scope]} for name in SCHEMES]
            operation["security"] = choices if needs_key else [*choices, {}]
            if not needs_key:  # these errors never come
                continue
            responses = operation["responses"]
            content = V2_ERROR if path.startswith("/v2") else PROBLEM
            forbidden = FORBIDDEN.format(scope)
            if told := responses.get("403", {}).get("description"):
                forbidden = f"{told}; or the API key has not the scope `{scope}`"
            responses["401"] = {"description": UNAUTHENTICATED, "content": content}
            responses["403"] = {"description": forbidden, "content": content}
