"""Draw the diagram of docs/architecture.md from the imports, its tables from traced requests.

`make architecture` writes them; a test checks that they are up to date.
"""

import ast
import asyncio
import io
import sys
import threading
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from types import FrameType
from typing import Any

import grimp
import httpx
from PIL import Image
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.body import BODY_AT_HAND
from service.app import create_app
from service.settings import SHIPPED_MODELS, Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("training", "service")

Graph = Mapping[str, set[str]]


def modules() -> Graph:
    """Return the imports of every module within this project."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def parts(imports: Graph) -> Graph:
    """Return the imports between the parts of the top-level packages: subpackages and modules.

    The `__init__.py` of the top-level packages are omitted: they hold only a version.
    """
    found: dict[str, set[str]] = {}
    for module, imported in imports.items():
        if module not in PACKAGES:
            targets = {_part(each) for each in imported if each not in PACKAGES}
            found.setdefault(_part(module), set()).update(targets - {_part(module)})
    return found


def _part(module: str) -> str:
    return ".".join(module.split(".")[:2])


def reduced(graph: Graph) -> Graph:
    """Return the transitive reduction of a graph: without the edges that longer paths imply.

    Raises:
        graphlib.CycleError: The graph has a cycle.
    """
    below: dict[str, set[str]] = {}
    for node in TopologicalSorter(graph).static_order():
        below[node] = graph[node].union(*(below[each] for each in graph[node]))
    return {
        node: {each for each in targets if not any(each in below[other] for other in targets)}
        for node, targets in graph.items()
    }


TITLE = "Which part imports which"


def mermaid(graph: Graph) -> str:
    """Return a Mermaid diagram of a graph with a box for each top-level package."""
    lines = ["```mermaid", "flowchart TD", f"    accTitle: {TITLE}"]
    for package in PACKAGES:
        lines.append(f"    subgraph {package}")
        names = sorted(name for name in graph if name.startswith(f"{package}."))
        lines += [f"        {_id(name)}[{name.partition('.')[2]}]" for name in names]
        lines.append("    end")
    for node in sorted(graph):
        lines += [f"    {_id(node)} --> {_id(target)}" for target in sorted(graph[node])]
    return "\n".join([*lines, "```"])


def _id(name: str) -> str:
    return name.replace(".", "-").replace("__", "")


class Trace:
    """The files of the service in which a request runs code, in the order of their first call."""

    def __init__(self) -> None:
        self.files: dict[str, None] = {}
        self.recording = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Record the file of a call, as a profile function of sys and threading."""
        if self.recording and event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(ROOT / "service"):
                self.files[path.relative_to(ROOT).as_posix()] = None


async def traced(path: str, content: bytes, media_type: str) -> list[str]:
    """Return the files whose code a request runs in a warm application."""
    trace = Trace()
    sys.setprofile(trace)
    threading.setprofile(trace)
    try:
        app = create_app(Settings(models=SHIPPED_MODELS, device="cpu"))
        transport = httpx.ASGITransport(app=_with_body_at_hand(app, content))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            for recording in (False, True):
                await asyncio.sleep(0.1)  # for threads that the first request started
                trace.recording = recording
                response = await client.post(
                    path, content=content, headers={"Content-Type": media_type}
                )
                response.raise_for_status()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return list(trace.files)


def _with_body_at_hand(app: ASGIApp, body: bytes) -> ASGIApp:
    """Return an application that gets a short body as service/server/http_protocol.py passes it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "extensions": {BODY_AT_HAND: lambda: body}}, receive, send)

    return call


def table(files: Iterable[str]) -> str:
    """Return a table of files, each with the first line of its docstring."""
    rows = ["| | file | what |", "|---|---|---|"]
    for number, name in enumerate(files, 1):
        docstring = ast.get_docstring(ast.parse((ROOT / name).read_text())) or ""
        first = " ".join(docstring.partition("\n\n")[0].split())
        rows.append(f"| {number} | [{name}](../{name}) | {first} |")
    return "\n".join(rows)


def photograph() -> bytes:
    """Return a PNG photograph of 96x64 pixels."""
    stream = io.BytesIO()
    with Image.open(ROOT / "docs" / "examples" / "photo-noisy.jpg") as example:
        example.crop((0, 0, 96, 64)).save(stream, "PNG")
    return stream.getvalue()


def rendered(page: str) -> str:
    """Return the page with the diagram and tables between its markers redrawn."""
    image = (ROOT / "docs" / "examples" / "images.json").read_bytes()
    json = traced("/denoise?model=denoising-gaussian", image, "application/json")
    photo = traced("/denoise", photograph(), "image/png")
    for name, drawn in (
        ("imports", mermaid(reduced(parts(modules())))),
        ("json", table(asyncio.run(json))),
        ("photograph", table(asyncio.run(photo))),
    ):
        before, start, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not end:
            raise ValueError(f"{PAGE.name}: expected the markers of {name}, received none")
        page = f"{before}{start}{drawn}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
