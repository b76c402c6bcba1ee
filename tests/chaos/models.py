"""Versions of models as they should not be: truncated, damaged, of another shape, incomplete."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def truncated(folder: Path) -> None:
    """Leave half of a graph, as an interrupted copy does."""
    graph = _graph(folder)
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])


def damaged(folder: Path) -> None:
    """Change a byte of a graph, so that its digest is another."""
    graph = _graph(folder)
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)


def misshapen(folder: Path) -> None:
    """Let the manifest name another shape than the graph has."""
    manifest = _manifest(folder)
    for operation in manifest["operations"].values():
        for tensor in (operation["input"], operation["output"]):
            tensor["shape"][-1] = 7
    (folder / "manifest.json").write_text(json.dumps(manifest))


def missing(folder: Path) -> None:
    """Remove a graph."""
    _graph(folder).unlink()


def unreadable(folder: Path) -> None:
    """Break the manifest."""
    (folder / "manifest.json").write_text('{"schema_version": 4, "name":')


def renumbered(folder: Path) -> None:
    """Let the manifest name the version of its folder: a good version."""
    (folder / "manifest.json").write_text(
        json.dumps(_manifest(folder) | {"version": int(folder.name)})
    )


@dataclass(frozen=True)
class Change:
    """A change of a folder of models.

    Attributes:
        outcome: What becomes of the version.
        logged: What a worker logs then; empty where it may log nothing.
        edit: Edits the files of the version, which else is as good as version 1; None removes it.
        version: Its number. Its answers are those of version 1, of which it is a copy.
    """

    outcome: str
    logged: str
    edit: Callable[[Path], None] | None
    version: int = 2

    def make(self, models: Path, name: str) -> None:
        """Replace the version by renaming folders, as operators do."""
        place, old = models / name / str(self.version), models.with_name("old")
        if self.edit:
            beside = models.with_name("beside") / str(self.version)
            shutil.copytree(models / name / "1", beside)
            renumbered(beside)
            self.edit(beside)
        if place.exists():
            place.rename(old)
        if self.edit:
            beside.rename(place)
        shutil.rmtree(old, ignore_errors=True)


REFUSED = "{name} {version} could not be loaded"
CHANGES = (
    Change("loaded", "loaded {name} {version}:", renumbered),
    *(
        Change("refused", REFUSED, edit)
        for edit in (truncated, damaged, misshapen, missing, unreadable)
    ),
    Change("removed", "", None),
)
"""One after another: a good version comes, broken ones in its place, which then goes."""


def _manifest(folder: Path) -> dict[str, dict[str, dict[str, dict[str, list[object]]]]]:
    found: dict[str, dict[str, dict[str, dict[str, list[object]]]]]
    found = json.loads((folder / "manifest.json").read_text())
    return found


def _graph(folder: Path) -> Path:
    return max(folder.glob("*.onnx"))
