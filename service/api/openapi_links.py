"""Links in the OpenAPI document: which response has what another request needs.

OpenAPI 3.1.1, 4.8.20 (Link Object).
"""

from collections.abc import Mapping
from typing import Any


def _link(path: str, description: str, **parameters: str) -> dict[str, Any]:
    """Return a link to GET of a path, by what its parameters are in a response or a request."""
    pointer = path.replace("~", "~0").replace("/", "~1")
    return {
        "operationRef": f"#/paths/{pointer}/get",
        "description": description,
        "parameters": parameters,
    }


JOB = {"id": "$response.body#/id"}
NAME, MODEL = {"name": "$response.body#/models/0/name"}, {"model": "$response.body#/0/name"}
SAME = {"model": "$request.path.model"}

LINKS: Mapping[tuple[str, str, str], Mapping[str, dict[str, Any]]] = {
    ("/models", "get", "200"): {
        "model": _link("/models/{name}", "the first model in all of its versions", **NAME),
        "card": _link(
            "/models/{name}/{version}/card",
            "the model card of the first version",
            **NAME,
            version="$response.body#/models/0/version",
        ),
    },
    ("/v2/repository/index", "post", "200"): {
        "model": _link("/v2/models/{model}", "inputs and outputs of the first model", **MODEL),
        "version": _link(
            "/v2/models/{model}/versions/{version}",
            "those of its version",
            **MODEL,
            version="$response.body#/0/version",
        ),
    },
    ("/v2/models/{model}", "get", "200"): {
        "ready": _link("/v2/models/{model}/ready", "whether it is ready", **SAME),
        "config": _link("/v2/models/{model}/config", "its configuration", **SAME),
        "version": _link(
            "/v2/models/{model}/versions/{version}",
            "its first version",
            **SAME,
            version="$response.body#/versions/0",
        ),
    },
    ("/jobs", "post", "202"): {
        "job": _link("/jobs/{id}", "how far the job is", **JOB),
        "events": _link("/jobs/{id}/events", "the same as a stream of events", **JOB),
        "result": _link("/jobs/{id}/result", "the response, once it has finished", **JOB),
    },
}
"""Links by path, method and status of the response that has them."""


def add_links(document: dict[str, Any]) -> None:
    """Add links to an OpenAPI document."""
    for (path, method, status), links in LINKS.items():
        document["paths"][path][method]["responses"][status]["links"] = dict(links)
