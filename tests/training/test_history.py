"""The losses of a run are read back, and a damaged history.csv is named with its line."""

from pathlib import Path

import pytest

from training import history

WHOLE = "epoch,loss,val_mse\n0,0.5,0.4\n1,0.25,0.2\n"


def write(folder: Path, text: str) -> Path:
    (path := folder / history.FILE_NAME).write_bytes(text.encode("latin-1"))
    return path


def test_rows_are_read_and_the_last_of_a_repeated_epoch_counts(tmp_path: Path) -> None:
    rows = history.read(write(tmp_path, WHOLE + "1,0.3,0.1\n"), "loss")
    assert [(row["epoch"], row["loss"]) for row in rows] == [(0, 0.5), (1, 0.3)]


def test_a_run_that_has_no_history_yet_has_no_rows(tmp_path: Path) -> None:
    assert history.read(tmp_path / "nothing") == []
    assert history.read(write(tmp_path, "")) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (WHOLE[:-5], 3),  # cut off
        (WHOLE[:-1] + "2,0.1,0.1\n", 3),  # a row written behind one without its end
        (WHOLE.replace("0.25", "0,25"), 3),
        (WHOLE.replace("0.25", ""), 3),
        (WHOLE.replace("0.4", "\0\0\0"), 2),
        (WHOLE.replace("\n0,", "\n\n0,"), 2),
        (WHOLE.replace("epoch", "\xff\xfe"), 1),
        (WHOLE.replace("loss", ""), 1),
        ("epoch,loss,val_mse", 1),
        ("\0" * 40, 1),
    ],
)
def test_a_damaged_history_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=f"{path}, line {line}: expected .*--again"):
        history.read(path, "loss", "val_mse")


def test_rows_of_validations_go_by_their_step(tmp_path: Path) -> None:
    path = write(tmp_path, "step,loss,white\n10,0.5,\n20,0.4,30\n")
    rows = history.read(path, "loss", key="step")
    assert [row["step"] for row in rows] == [10, 20]
