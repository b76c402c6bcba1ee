"""Every block of code in the project's documents works, and prints what is shown."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import orjson
import pytest
import yaml
from PIL import Image

from tests.documents import (
    PROGRAMS,
    ROOT,
    Block,
    agrees,
    blocks,
    documents,
    environment,
    left_to,
)
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
    text = document.read_text()
    lacking: set[str] = set()
    found = blocks(text)
    has_programs = any(each.language == "python" and each.kind == "run" for each in found)
    with Reader(tmp_path, address, environment(text) if has_programs else "") as reader:
        printed: tuple[str, str] | None = None
        for block in found:
            if block.kind == "file":
                reader.save(block)
            elif block.kind == "run":
                lacking |= (missing := reader.lacks(block))
                printed = None if missing else reader.run(block)
            elif block.kind == "output" and printed:
                received = printed[block.mark == "output: errors"]
                assert agrees(block, received), f"line {block.line}: received {received}"
    files = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert files - BROUGHT <= {*WRITTEN, "program.py", "program.mjs"}
    _open_all(tmp_path / "try")
    if document.name == "README.md" and document.parent == ROOT:
        answers = {path.read_bytes() for path in _three(tmp_path / "try")}
        assert len(answers) == 1, "curl, Python and JavaScript: expected the same photograph"
    if lacking:
        pytest.skip(f"every other block works; needs {', '.join(sorted(lacking))}")


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
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    before: Block | None = None
    for block in blocks(document.read_text()):
        assert block.kind  # a block that says nothing of itself is an error
        if block.mark.startswith("run by "):
            runner = block.mark.removeprefix("run by ")
            asked = rf"left_to\([^)]*\"{re.escape(document.name)}\",\s+RUNNER\)"
            assert re.search(asked, (ROOT / runner).read_text()), f"{runner} does not run it"
            assert block in left_to(document, runner)
        if block.kind == "output":
            assert before, f"line {block.line}: expected a block that runs before its output"
        before = None if block.kind == "left" else block
        if block.language in ("sh", "bash"):
            subprocess.run(["bash", "-n", "-c", block.text], check=True)
            targets = re.findall(
                r"(?:^|&& |; )(?:\w+=\S+ )*make ([a-z-]+)\b", block.text, re.MULTILINE
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


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_a_reader_has_no_packages_but_those_of_the_environment_that_is_named(
    tmp_path: Path,
) -> None:
    program = Block("python", "import httpx, service.client\n", "", 1)
    with Reader(tmp_path, "http://127.0.0.1:8000") as reader:
        for python in ("python", "python3"):
            with pytest.raises(AssertionError, match="No module named 'httpx'"):
                reader.run(Block("sh", f'{python} -c "import httpx"', "", 1))
        with pytest.raises(AssertionError, match="names the Python of its programs"):
            reader.run(program)
    with pytest.raises(ValueError, match=r"expected \.venv/NAME/bin/python"):
        environment("Run it with python.")
    again = tmp_path / "again"
    again.mkdir()
    with Reader(again, "http://127.0.0.1:8000", environment("`.venv/training/bin/python`")) as it:
        assert it.run(program) == ("", "")


@pytest.mark.parametrize("document", _with("```python$"), ids=name)
def test_programs_in_python_import_what_the_environment_that_is_named_has(document: Path) -> None:
    text = document.read_text()
    shown = [each for each in blocks(text) if each.language == "python" and each.kind != "left"]
    if not shown:
        return
    locked = ROOT / "deploy" / "requirements" / f"{environment(text)}.txt"
    known = set(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==", locked.read_text(), re.MULTILINE))
    known |= set(re.findall(r"pip install '?([a-z0-9._-]+)", text))
    brought = packages_distributions()
    for block in shown:
        for module in _imported(block.text) - {*sys.stdlib_module_names, "service"}:
            assert known.intersection(each.lower() for each in brought[module]), module


def _imported(program: str) -> set[str]:
    """Return the names of the packages that a program imports."""
    found = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
