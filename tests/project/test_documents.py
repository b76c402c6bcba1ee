"""Every block of code in the project's documents works, and prints what is shown."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import orjson
import pytest
import yaml
from PIL import Image

from tests.documents import PROGRAMS, ROOT, Block, agrees, blocks, documents
from tests.reader import CLONE, PHOTOGRAPHS, Reader

PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
BROUGHT = {*CLONE, "b.png", *(name.partition("/")[0] for name in PHOTOGRAPHS)}
WRITTEN = {"try", "clean", "clean.jpg", "clean.png", "holidays-clean", "party-clean.jpg"}
"""What blocks write: try/ is ignored by git, the others show the command line."""


def name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def _with(fence: str) -> list[Path]:
    """The documents in which a pattern is found at the start of a line."""
    found = re.compile(f"^{fence}", re.MULTILINE)
    return [document for document in documents() if found.search(document.read_text())]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs curl, bash")
@pytest.mark.parametrize("document", _with(rf"```({'|'.join(PROGRAMS)})$"), ids=name)
def test_every_block_of_a_document_works_and_prints_what_is_shown(
    document: Path, address: str, tmp_path: Path
) -> None:
    with Reader(tmp_path, address) as reader:
        printed: tuple[str, str] | None = None
        for block in blocks(document.read_text()):
            if block.kind == "file":
                reader.save(block)
            elif block.kind == "run":
                printed = reader.run(block) if reader.can_run(block) else None
            elif block.kind == "output" and printed:
                received = printed[block.mark == "output: errors"]
                assert agrees(block, received), f"line {block.line}: received {received}"
    files = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert files - BROUGHT <= {*WRITTEN, "program.py", "program.mjs"}
    _open_all(tmp_path / "try")
    if document.name == "README.md" and document.parent == ROOT:
        answers = {path.read_bytes() for path in _three(tmp_path / "try")}
        assert len(answers) == 1, "curl, Python and JavaScript: expected the same photograph"


def _three(folder: Path) -> list[Path]:
    """The answers to the call that the README shows in three languages."""
    found = [folder / f"{language}.jpg" for language in ("curl", "python", "javascript")]
    return [path for path in found if path.exists() or shutil.which("node")]


def _open_all(folder: Path) -> None:
    """Open every file that the blocks wrote, by the format of its suffix."""
    for path in folder.rglob("*"):
        if path.suffix in PICTURES:
            with Image.open(path) as picture:
                picture.load()
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
                told = orjson.loads(archive.read("manifest.json"))["photographs"]
            assert 200 in {each["status"] for each in told}
        elif path.suffix == ".npy":
            assert np.load(path).size
        elif path.suffix == ".json":
            assert orjson.loads(path.read_bytes())


@pytest.mark.parametrize("document", _with("```"), ids=name)
def test_every_block_runs_or_says_why_not(document: Path) -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    before: Block | None = None
    for block in blocks(document.read_text()):
        assert block.kind  # a block that says nothing of itself is an error
        if block.mark.startswith("run by "):
            runner = (ROOT / block.mark.removeprefix("run by ")).read_text()
            assert document.name in runner
        if block.kind == "output":
            assert before, f"line {block.line}: expected a block that runs before its output"
        before = None if block.kind == "left" else block
        if block.language in ("sh", "bash"):
            subprocess.run(["bash", "-n", "-c", block.text], check=True)
            targets = re.findall(
                r"(?:^|&& |; )(?:\w+=\S+ )*make ([a-z]+)\b", block.text, re.MULTILINE
            )
            assert set(targets) <= known
        elif block.language == "json":
            orjson.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)


def test_the_readme_shows_how_to_ask_for_every_operation() -> None:
    shown = (ROOT / "README.md").read_text()
    for operation in ("encode", "decode", "denoise"):
        assert f"http://127.0.0.1:8000/{operation}" in shown


def test_blocks_say_how_they_are_to_be_treated() -> None:
    text = (
        "```sh\none\n```\n<!-- output -->\n```text\n1\n```\n<!-- not run: slow -->\n```\na\n```\n"
        "<!-- file: try/a.py -->\n```python\nb\n```\n\n```mermaid\nc\n```\n"
    )
    kinds = [block.kind for block in blocks(text)]
    assert kinds == ["run", "output", "left", "file", "drawn"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```yaml\na: 1\n```\n", "expected a comment above the block"),
        ("<!-- perhaps -->\n```sh\na\n```\n", "expected a known comment"),
        ("<!-- not run: -->\n```sh\na\n```\n", "expected a known comment"),
        ("- item\n  ```sh\n  a\n  ```\n", "expected 0 fences at the start of lines, received 2"),
    ],
)
def test_a_block_of_which_nothing_is_known_is_an_error(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        assert not [block.kind for block in blocks(text)]


@pytest.mark.parametrize(
    ("mark", "language", "shown", "received", "agreed"),
    [
        ("output", "text", "a 1\n", "a 1\n", True),
        ("output", "text", "a 1\n", "a 2\n", False),
        ("output", "text", "a ... ms\nb\n", "a 1.5 ms\nb\n", True),
        ("output", "text", "a ...\n", "b 1\n", False),
        ("output", "json", '{"a": 1, "b": "..."}', '{"b":[2],"a":1}', True),
        ("output", "json", '{"a": 1, "b": "..."}', '{"a":1}', False),
        ("output", "json", '[{"a": 1}]', '[{"a":2}]', False),
        ("output: fields", "json", '{"a": 1.5, "b": null}', '{"a":2,"b":"c"}', True),
        ("output: fields", "json", '{"a": 1.5}', '{"a":"2"}', False),
        ("output: fields", "json", '[{"a": 1}]', '[{"a":2},{"b":2}]', False),
    ],
)
def test_an_output_agrees_with_what_is_shown(
    mark: str, language: str, shown: str, received: str, agreed: bool
) -> None:
    assert agrees(Block(language, shown, mark, 0), received) is agreed


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_a_block_that_fails_and_what_it_printed_are_told(tmp_path: Path) -> None:
    with Reader(tmp_path, "http://127.0.0.1:8000") as reader:
        reader.run(Block("sh", "A=1", "", 1))
        assert reader.run(Block("bash", "echo $A", "", 2)) == ("1\n", "")
        with pytest.raises(AssertionError, match=r"line 3: echo b; false \| true\nb"):
            reader.run(Block("bash", "echo b; false | true", "", 3))
