import dataclasses
import re
from pathlib import Path

import pytest

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.environments import Unavailable, prepare, requirements, tail, version

PEERS = [each for each in CONTENDERS.values() if each.folder.is_dir()]


@pytest.mark.parametrize("contender", PEERS, ids=lambda contender: contender.name)
def test_requirements_are_exact_and_the_version_shown_is_among_them(contender: Contender) -> None:
    lines = requirements(contender).read_text().splitlines()
    assert all(re.fullmatch(r"[a-z-]+(\[[a-z]+\])?==[0-9.]+", line) for line in lines)
    assert lines == sorted(lines)
    assert any(line.endswith(f"=={version(contender)}") for line in lines)


def test_every_contender_runs_the_same_version_of_the_runtime() -> None:
    texts = [requirements(contender).read_text() for contender in PEERS]
    assert len({re.findall(r"^onnxruntime==.*$", text, re.MULTILINE)[0] for text in texts}) == 1


@pytest.fixture
def contender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contender:
    """One whose folder and environment are the test's own, and which requires nothing."""
    monkeypatch.setattr("benchmarks.contenders.FOLDER", tmp_path)
    monkeypatch.setattr("benchmarks.contenders.ROOT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    contender = Contender("mine", "Mine", "", "", {})
    contender.folder.mkdir()
    requirements(contender).touch()
    return contender


@pytest.mark.slow
def test_an_environment_is_made_once_and_anew_when_its_requirements_change(
    contender: Contender,
) -> None:
    programs = prepare(contender)
    assert (programs / "python").exists()
    (programs / "mark").touch()
    assert prepare(contender) == programs
    assert (programs / "mark").exists()
    requirements(contender).write_text("# nothing, said otherwise\n")
    prepare(contender)
    assert not (programs / "mark").exists()


@pytest.mark.slow
def test_what_cannot_be_installed_is_the_reason_each_time(contender: Contender) -> None:
    requirements(contender).write_text("no-such-package==1.0\n")
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"No matching distribution .*no-such-package==1\.0"):
            prepare(contender)


def test_an_interpreter_that_is_not_there_is_the_reason(contender: Contender) -> None:
    elsewhere = dataclasses.replace(contender, python="/nowhere/python")
    with pytest.raises(Unavailable, match="expected /nowhere/python, received no such file"):
        prepare(elsewhere)


def test_the_tail_of_a_text_is_its_last_words() -> None:
    assert tail("a\n\nb\n c \nd\n\n") == "b / c / d"
    assert tail("") == ""
