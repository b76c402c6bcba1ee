"""The commands of docs/walkthroughs.md work, on smaller data of the same kinds."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.service.running import running
from tests.service.tiny import write_model
from training.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "walkthroughs.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
SERVED = "python -m service serve"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the:UserWarning"),
]


@pytest.fixture(scope="module")
def workplace(eager: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table that lacks values, a series, and pictures in folders."""
    folder = tmp_path_factory.mktemp("walks")
    random = np.random.default_rng(0)
    rows = ["species,island,bill_length_mm,sex,year"]
    for number in range(60):
        species, length = (("Adelie", 39), ("Gentoo", 47))[number % 2]
        sex = "NA" if number % 20 == 3 else ("male", "female")[number % 3 > 0]
        rows.append(f"{species},Biscoe,{length + random.normal():.1f},{sex},2007")
    (folder / "penguins.csv").write_text("\n".join(rows))
    flow = 102 + np.sin(np.arange(300) / 4) + random.normal(0, 0.1, 300)
    flow[200:210] = 24
    hours = [f"2022-03-20T{hour},{value:.2f}" for hour, value in enumerate(flow)]
    (folder / "water-flow.csv").write_text("\n".join(["Time,Water flow [l/s]", *hours]))
    for photograph in (*range(5), 254):
        place = folder / "textures" / f"{photograph:03}"
        place.mkdir(parents=True)
        for crop in range(8):
            pixels = random.integers(0, 256, (66, 70, 3), np.uint8)
            Image.fromarray(pixels).save(place / f"{crop}.jpg")
    return folder


def trained(folder: Path) -> None:
    """Run the commands of the page that need no service, for fewer epochs."""
    runs, models = ["--runs", str(folder / "runs")], ["--models", str(folder / "models")]
    for command in COMMANDS:
        match command.split():
            case ["python", "-m", "training", verb, *_]:
                words = [verb, *shlex.split(command)[4:]]
                words += {"train": [*runs, "--epochs", "2"], "report": runs}.get(verb, models)
                words += runs if verb == "export" else []
                main(words)


def asked(folder: Path, url: str) -> list[Any]:
    """Run the commands that ask the service; return what they print."""
    printed = []
    for command in COMMANDS:
        if command.startswith(("curl", "head")):
            here = command.replace("http://127.0.0.1:8000", url)
            done = subprocess.run(
                ["bash", "-c", here], cwd=folder, capture_output=True, check=True, text=True
            )
            printed.append(done.stdout)
    return [json.loads(text) for text in printed if text]


def test_every_command_works(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    trained(workplace)
    assert COMMANDS.count(SERVED) == 3
    for name in ("mirror", "half"):
        write_model(workplace / "models", name)
    for name in ("penguins", "water", "textures"):
        assert (workplace / "runs" / name / "report.html").stat().st_size > 30_000
    with running(workplace / "models") as service:
        codings, penguins, water, textures = asked(workplace, service.url)
    assert np.shape(codings["outputs"]) == (2, 2)
    assert [ids[0] for ids in penguins["ids"]] == ["0", "1"]
    assert len(water["scores"]) == 300 - 24 + 1
    assert np.argmax(water["scores"]) in range(200 - 23, 210)
    assert textures["ids"][0][0] == "254/1.jpg"
    assert textures["labels"][0][0] == "254"
