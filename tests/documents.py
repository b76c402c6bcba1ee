"""Blocks of code in Markdown: what each says about itself, and whether it prints what is shown.

A comment right above a block, which readers do not see, says how the tests treat it:

<!-- not run: WHY -->         it cannot run here
<!-- run by PATH -->          another test runs it
<!-- refused -->              the service answers its requests with an error
<!-- file: PATH -->           readers save it under this name
<!-- output -->               what the block before prints, where "..." is any text
<!-- output: errors -->       the same on standard error
<!-- output: fields -->       the same fields of JSON, whose values have the same types
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[1]
MADE = {"dist", "runs", "try"}
"""Folders of what is made."""
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>.+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PROGRAMS = {"bash": "bash", "sh": "bash", "python": "python", "js": "node"}
"""What runs a block of a language."""
MARKS = re.compile(r"not run: .+|run by \S+|refused|file: \S+|output(?:: (?:errors|fields))?|")

INTERPRETER = re.compile(r"\.venv/([\w-]+)/bin/python\b")
"""How documents name the Python that runs their programs: that of an environment of the clone."""

Kind = Literal["run", "file", "output", "left", "drawn"]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the comment above it, and its first line."""

    language: str
    text: str
    mark: str
    line: int

    @property
    def kind(self) -> Kind:
        """What the tests do with it.

        Raises:
            ValueError: The comment above it is unknown, or a language that is none of a program
                has none.
        """
        if self.language == "mermaid":
            return "drawn"
        word = self.mark.partition(":")[0].split(" ")[0]
        if not MARKS.fullmatch(self.mark):
            raise ValueError(f"line {self.line}: expected a known comment, received {self.mark}")
        if word in ("not", "run"):
            return "left"
        if word in ("file", "output"):
            return "file" if word == "file" else "output"
        if self.language in PROGRAMS:
            return "run"
        raise ValueError(f"line {self.line}: expected a comment above the block, received none")


def documents() -> list[Path]:
    """Return every Markdown file of the project: none that is made, none in hidden folders."""
    found = []
    for path in sorted(ROOT.rglob("*.md")):
        parts = path.relative_to(ROOT).parts
        if not MADE.intersection(parts) and not any(part.startswith(".") for part in parts):
            found.append(path)
    return found


def blocks(text: str) -> list[Block]:
    """Return the blocks of a document.

    Raises:
        ValueError: Something that looks like a block is none: it is indented, or never ends.
    """
    found = [
        Block(each["language"], each["text"], each["mark"] or "", text.count("\n", 0, each.start()))
        for each in FENCE.finditer(text)
    ]
    fences = len(re.findall(r"^ *(?:```|~~~)", text, re.MULTILINE))
    inside = sum(len(re.findall(r"^ *(?:```|~~~)", each.text, re.MULTILINE)) for each in found)
    if fences != 2 * len(found) + inside:
        raise ValueError(
            f"expected {2 * len(found)} fences at the start of lines, received {fences}"
        )
    return found


def left_to(document: Path, runner: str) -> list[Block]:
    """Return the blocks of a document that another test runs, which must run all of them.

    Args:
        document: The file.
        runner: The path of that test from the project's folder.

    Raises:
        AssertionError: There is none.
    """
    found = [each for each in blocks(document.read_text()) if each.mark == f"run by {runner}"]
    assert found, f"{document.name}: expected blocks that are run by {runner}, received none"
    return found


def environment(text: str) -> str:
    """Return the name of the environment whose Python a document says to run its programs with.

    Raises:
        ValueError: It names none.
    """
    if named := INTERPRETER.search(text):
        return named[1]
    raise ValueError("expected .venv/NAME/bin/python, which runs the programs, received none")


def agrees(shown: Block, received: str) -> bool:
    """Return whether a program printed what the document shows."""
    if shown.mark == "output: fields":
        return _alike(json.loads(shown.text), json.loads(received))
    if shown.language == "json":
        return _equal(json.loads(shown.text), json.loads(received))
    parts = [re.escape(part) for part in shown.text.strip().split("...")]
    return bool(re.fullmatch(".*".join(parts), received.strip(), re.DOTALL))


def _equal(shown: Any, received: Any) -> bool:
    """Compare JSON, where a text of "..." is anything."""
    if shown == "...":
        return True
    if isinstance(shown, dict) and isinstance(received, dict):
        return shown.keys() == received.keys() and all(
            _equal(value, received[key]) for key, value in shown.items()
        )
    if isinstance(shown, list) and isinstance(received, list):
        return len(shown) == len(received) and all(map(_equal, shown, received))
    return bool(shown == received)


def _alike(shown: Any, received: Any) -> bool:
    """Compare the fields of JSON and the types of their values; null has no type."""
    if shown is None or received is None:
        return True
    if isinstance(shown, dict) and isinstance(received, dict):
        return shown.keys() == received.keys() and all(
            _alike(value, received[key]) for key, value in shown.items()
        )
    if isinstance(shown, list) and isinstance(received, list):
        return all(_alike(shown[0], each) for each in received)
    numbers = (int, float)
    return type(shown) is type(received) or (type(shown) in numbers and type(received) in numbers)
