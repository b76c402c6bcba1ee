"""Write docs/endpoints.md from the OpenAPI document, docs/manifest.md from the manifest's schema.

`make reference` writes them; a test checks that they are up to date.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from docs import chart
from docs.schemas import flat, kind, section, table
from service.app import create_app
from service.manifest import Manifest
from service.settings import SHIPPED_MODELS, Settings

FOLDER = Path(__file__).parent
ENDPOINTS, MANIFEST = FOLDER / "endpoints.md", FOLDER / "manifest.md"
GROUPS = {
    "operations": "Operations",
    "jobs": "Jobs",
    "models": "Models",
    "health": "Health and metrics",
    "open inference": "Open Inference Protocol",
}

Document = Mapping[str, Any]


async def document() -> Document:
    """Return the OpenAPI document of a service with the shipped models."""
    app = create_app(Settings(models=SHIPPED_MODELS, device="cpu"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        response = await client.get("/openapi.json")
    found: Document = response.raise_for_status().json()
    return found


def endpoints(openapi: Document) -> str:
    """Return the page on every endpoint: parameters, request bodies, responses, their schemas.

    Raises:
        ValueError: An operation has a tag that is none of GROUPS.
    """
    schemas = openapi["components"]["schemas"]
    described = _manifest_schemas()
    pages = {name: "manifest.md" if name in described else "" for name in schemas}
    tags = {
        tag for each in openapi["paths"].values() for one in each.values() for tag in one["tags"]
    }
    if unknown := tags - GROUPS.keys():
        raise ValueError(f"tags: expected those of GROUPS, received {', '.join(sorted(unknown))}")
    text = (
        "# Endpoints\n\nMade by `make reference` from the service's OpenAPI document, which it "
        "serves at `/openapi.json`, and at `/docs` to be tried out. [HTTP](http.md) describes "
        "what the endpoints have in common, [jobs.md](jobs.md) and "
        "[open-inference.md](open-inference.md) how theirs are used. A body of type "
        "`application/problem+json` is a [Problem](#problem).\n"
    )
    for tag, title in GROUPS.items():
        text += f"\n## {title}\n"
        for path, methods in openapi["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    text += f"\n### `{method.upper()} {path}`\n\n{_operation(operation, pages)}"
    text += "\n## Schemas\n"
    for name in sorted(name for name, page in pages.items() if not page):
        text += f"\n{section(name, schemas[name], pages, level=3)}"
    return text


def manifest() -> str:
    """Return the page on the manifest, with the docstrings of its fields."""
    schemas = _manifest_schemas()
    text = (
        "# The manifest of a model\n\nA model is a folder `models/NAME/VERSION/` with "
        "`manifest.json` and the files that it names. Unknown keys and wrong types are errors, and "
        "so are missing keys, unless they may be left out. `GET /models/NAME` has it as "
        "`manifest`. Made by `make reference` from [service/manifest.py](../service/manifest.py), "
        "which checks it.\n"
    )
    pages = dict.fromkeys(schemas, "")
    return text + "".join(f"\n{section(name, each, pages)}" for name, each in schemas.items())


def _manifest_schemas() -> Mapping[str, Any]:
    schema = Manifest.model_json_schema(mode="serialization")
    others: dict[str, Any] = schema.pop("$defs")
    return {"Manifest": schema, **others}


def _operation(operation: Document, pages: Mapping[str, str]) -> str:
    text = f"{flat(operation['summary'])}.\n"
    if description := flat(operation.get("description", "")):
        text += f"\n{description}\n"
    roles = {role for each in operation["security"] for names in each.values() for role in names}
    if roles:
        text += f"\nAn [API key](access.md) needs the scope `{', '.join(roles)}`.\n"
    if parameters := operation.get("parameters"):
        rows = [
            (f"`{each['name']}`", each["in"], kind(each["schema"], pages), flat(_said(each)))
            for each in parameters
        ]
        text += f"\n{table(('parameter', 'in', 'type', 'what'), rows)}"
    if body := operation.get("requestBody"):
        text += f"\nRequest body: {_media(body['content'], pages)}.\n"
    answers = [
        (status, _media(each.get("content", {}), pages), flat(each["description"]))
        for status, each in sorted(operation["responses"].items())
    ]
    text += f"\n{table(('status', 'body', 'what'), answers)}"
    answered = operation["responses"].values()
    headers = dict.fromkeys(name for each in answered for name in each.get("headers", {}))
    return f"{text}\nResponse headers: {', '.join(f'`{name}`' for name in headers)}.\n"


def _said(parameter: Document) -> str:
    default = parameter["schema"].get("default")
    said: str = parameter.get("description", "")
    return said if default is None else f"{said}; by default `{json.dumps(default)}`"


def _media(content: Document, pages: Mapping[str, str]) -> str:
    """Return media types, those of pictures in one, with links to the schemas of their bodies."""
    images = [name for name in content if name.startswith("image/")]
    found = [f"`image/*` ({', '.join(name[6:] for name in images)})"] if len(images) > 1 else []
    for name, each in content.items():
        if name not in images or len(images) == 1:
            schema = each.get("schema", {})
            link = f" ({kind(schema, pages)})" if "$ref" in schema else ""
            found.append(f"`{name}`{link}")
    return ", ".join(found)


if __name__ == "__main__":
    ENDPOINTS.write_text(endpoints(asyncio.run(document())))
    MANIFEST.write_text(manifest())
    chart.SCHEMA.write_text(chart.schema())
