"""The pictures to look at show every view in both schemes, from a phone to a large screen."""

import sys
from itertools import product

import pytest

from docs.screenshots import ALL, main
from tests.page.conftest import PLAYGROUND


def test_every_view_is_there_in_every_scheme_and_width() -> None:
    views = {page.parent.name for page in PLAYGROUND.glob("*/view.html")}
    shown = {(shot.view, shot.scheme, shot.size["width"]) for shot in ALL}
    assert shown == set(product(views, ("light", "dark"), (360, 1280, 2560)))
    assert len({shot.name for shot in ALL}) == len(ALL)


def test_they_are_never_written_among_the_pictures_of_the_documents(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["screenshots", "http://127.0.0.1:8000", "--all"])
    with pytest.raises(SystemExit):
        main()
    assert "expected a folder for --all, received none" in capsys.readouterr().err
