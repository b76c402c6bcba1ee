import io
import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from benchmarks.contenders import SERVICE, Contender
from benchmarks.environments import Unavailable, call, requirements, version
from benchmarks.photographs import __main__ as command_line
from benchmarks.photographs import bfloat16, codecs, pictures
from benchmarks.photographs.alone import Alone, Ffdnet, Ran
from benchmarks.photographs.asking import Answer, Asked, Client, stages, together
from benchmarks.photographs.peers import CODECS, FFDNET
from benchmarks.photographs.runs import in_turn, ratios, told
from benchmarks.photographs.service import started
from benchmarks.photographs.speed import Plan
from service.images.decode import read
from service.inference.tiling.layout import Span, Tile
from tests.benchmarks.scripted import ScriptedServer, plain
from tests.service.tiny import write_model

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
PEERS = [*CODECS, FFDNET]
HERE = {"service", "pillow"}
"""The codecs that can run in the environment of the tests."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: a tiny one of photographs, and the one that small requests are for."""
    folder = tmp_path_factory.mktemp("models")
    write_model(folder, "photo")
    (folder / "denoising-dropout").symlink_to(ROOT / "models/denoising-dropout")
    return folder


@pytest.fixture(scope="module")
def picture() -> pictures.Pixels:
    return pictures.made_up(0)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_requires_exact_versions_and_one_of_them_is_shown(peer: Contender) -> None:
    lines = requirements(peer).read_text().splitlines()
    pins = [line for line in lines if line != "--no-binary pyvips"]
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", line) for line in pins)
    assert f"{peer.package}=={version(peer)}" in pins


@pytest.mark.parametrize("megapixels", [0.001, 0.05, 0.3])
def test_a_photograph_is_cut_out_or_mirrored_to_the_size_that_is_wanted(megapixels: float) -> None:
    source = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    found = pictures.sized(source, megapixels)
    height, width = found.shape[:2]
    assert 0.95 * megapixels < height * width / 1e6 <= megapixels
    assert width / height == pytest.approx(1.5, rel=0.05)
    if megapixels == 0.001:
        top, left = (200 - height) // 2, (200 - width) // 2
        np.testing.assert_array_equal(found, source[top : top + height, left : left + width])
    if megapixels == 0.3:
        np.testing.assert_array_equal(found[200:400, :200], source[::-1])


def test_no_photograph_has_more_pixels_than_were_asked_for() -> None:
    found = pictures.sized(np.zeros((8, 8, 3), np.uint8), 1.0)
    assert found.shape[0] * found.shape[1] <= 1_000_000


@pytest.mark.parametrize("depth", [8, 16])
def test_noise_is_as_strong_as_it_says_at_either_depth(depth: int) -> None:
    gray = np.full((100, 100, 3), 128, np.uint8)
    scale = (2**depth - 1) / 255
    found = pictures.noisy(gray, depth=depth)
    assert found.dtype.itemsize == depth // 8
    assert found.std() / scale == pytest.approx(pictures.SIGMA, rel=0.03)
    assert found.mean() / scale == pytest.approx(128, abs=0.3)
    np.testing.assert_array_equal(found, pictures.noisy(gray, depth=depth))
    if depth == 16:
        assert np.mean(found % 257 == 0) < 0.05  # not 8 bits that were widened


def test_the_largest_photographs_of_a_folder_are_taken_in_colour(tmp_path: Path) -> None:
    (tmp_path / "within").mkdir()
    for side, mode, name in (
        (40, "RGB", "a.png"), (50, "L", "within/b.JPG"), (60, "RGBA", "c.webp"), (30, "L", "d.png")
    ):  # fmt: skip
        kind = "JPEG" if name.endswith("JPG") else None
        Image.new(mode, (side, side)).save(tmp_path / name, kind)
    (tmp_path / "notes.txt").touch()
    found = pictures.found(tmp_path)
    assert [each.shape for each in found] == [(60, 60, 3), (50, 50, 3), (40, 40, 3)]
    assert all(each.dtype == np.uint8 for each in found)


def test_a_folder_without_photographs_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="received none"):
        pictures.found(tmp_path)


@pytest.mark.slow
def test_made_up_pictures_are_as_hard_to_write_as_photographs_and_always_the_same() -> None:
    one, other, _ = pictures.found(None)
    np.testing.assert_array_equal(one, pictures.made_up(0))
    assert not np.array_equal(one, other)
    taken = [
        len(pictures.as_file(each, "PNG")) / 1e6 / pictures.megapixels([each])
        for each in (one, pictures.noisy(one))
    ]
    assert taken == pytest.approx([1.2, 2.2], abs=0.1)


def test_measurements_take_turns_for_so_many_rounds_or_seconds() -> None:
    calls: list[str] = []

    def cell(name: str, seconds: float = 0.0) -> Callable[[], float]:
        def run() -> float:
            calls.append(name)
            clock[0] += seconds
            return len(calls)

        return run

    clock = [0.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.photographs.runs.time.perf_counter", lambda: clock[0])
        speeds = in_turn({"quick": cell("quick"), "slow": cell("slow", 3.0)}, 4, seconds=5.0)
    assert calls == ["quick", "slow", "quick", "slow", "quick", "quick"]
    assert speeds == {"quick": [1, 3, 5, 6], "slow": [2, 4]}


def test_measurements_are_told_as_their_median_with_the_least_and_the_most() -> None:
    assert told([]) == "-"
    assert told([1.234]) == "1.23"
    assert told([1.0, 4.0, 2.0], 1) == "2.0 (1.0-4.0)"
    assert ratios([2.0, 3.0, 4.0], [1.0, 2.0]) == [2.0, 1.5]


def test_where_the_time_went_is_read_from_the_answer() -> None:
    header = "parse;dur=1.500, queue;dur=0.000, inference;dur=1000.000, write;dur=2"
    expected = {"parse": 0.0015, "queue": 0.0, "inference": 1.0, "write": 0.002}
    assert stages(header) == pytest.approx(expected)
    assert stages(None) == {}


async def test_an_answer_that_is_no_200_is_not_measured(server: ScriptedServer) -> None:
    import asyncio

    asked = Asked(server.url, b"body", "image/png")
    server.script = lambda _: plain(200, b"picture", "Server-Timing: parse;dur=5")
    seconds, answers = await asyncio.to_thread(together, asked, 2, 3)
    assert [(each.status, each.body, each.stages) for each in answers] == (
        [(200, b"picture", {"parse": 0.005})] * 6
    )
    assert server.connections == 2
    assert seconds >= max(each.seconds for each in answers)
    server.script = lambda _: plain(429, b"full")
    with pytest.raises(Unavailable, match="expected 200, received 429 b'full'"):
        await asyncio.to_thread(together, asked, 1, 1)


async def test_a_connection_that_closes_instead_of_answering_is_said(
    server: ScriptedServer,
) -> None:
    import asyncio

    server.script = lambda _: b""

    def ask() -> Answer:
        with Client(server.url) as client:
            return client.ask(Asked(server.url, b"body", "image/png"))

    with pytest.raises(Unavailable, match="expected an answer, received RemoteDisconnected"):
        await asyncio.to_thread(ask)


def test_an_answer_must_be_the_models_output_within_a_grey_level() -> None:
    pixels = np.full((8, 12, 3), 100, np.uint8)
    whole = [Tile(Span(0, 8, 0, 8), Span(0, 12, 0, 12))]
    left = [Tile(Span(0, 8, 0, 8), Span(0, 8, 0, 6))]
    near, far = pixels + np.uint8(1), pixels.copy()
    far[:, 11] = 102
    Ran(1.0, whole, pixels).check(pictures.as_file(near, "PNG"))
    Ran(1.0, left, pixels).check(pictures.as_file(far, "PNG"))
    with pytest.raises(Unavailable, match="received 2 off"):
        Ran(1.0, whole, pixels).check(pictures.as_file(far, "PNG"))
    with pytest.raises(Unavailable, match="expected a picture"):
        Ran(1.0, whole, pixels).check(pictures.as_file(pixels[:4], "PNG"))


def test_the_session_runs_all_tiles_or_some_of_them(models: Path, picture: pictures.Pixels) -> None:
    alone = Alone(models, "photo")
    pixels = pictures.sized(picture, 0.02)
    every, some = (alone.in_tiles(pixels, most, core=32) for most in (None, 3))
    assert len(every.tiles) > len(some.tiles) == 3
    assert sum(tile.pixels for tile in every.tiles) == pixels.shape[0] * pixels.shape[1]
    assert set(some.tiles) <= set(every.tiles)
    some.check(pictures.as_file(every.output, "PNG"))
    assert min(every.speed, some.speed, alone.whole(pixels)) > 0


def test_a_model_that_is_not_there_or_takes_no_photographs_is_said(models: Path) -> None:
    with pytest.raises(Unavailable, match="expected the model other"):
        Alone(models, "other")
    with pytest.raises(Unavailable, match="expected a model that takes photographs"):
        Alone(models, "denoising-dropout")


def test_ffdnet_has_twelve_convolutions_and_as_many_weights_as_in_its_paper(
    picture: pictures.Pixels, tmp_path: Path
) -> None:
    call([sys.executable, str(FFDNET.folder / "graph.py"), str(tmp_path / "graph.onnx")])
    graph = onnx.load(tmp_path / "graph.onnx").graph
    shapes = {each.name: tuple(each.dims) for each in graph.initializer}
    layers = [shapes[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    assert layers == [(96, 13, 3, 3), *[(96, 96, 3, 3)] * 10, (12, 96, 3, 3)]
    assert sum(node.op_type == "Relu" for node in graph.node) == 11
    assert Ffdnet(PROGRAMS).whole(pictures.sized(picture, 0.005)) > 0


def test_codecs_are_compared_and_what_they_write_and_read_is_right(
    picture: pictures.Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs, "SIZE", 0.02)
    rows = codecs.measure([picture], 2, dict.fromkeys(HERE, PROGRAMS))
    assert {row.reason for row in rows} == {""}
    assert all(len(row.seconds) == len(row.cpu) == 2 for row in rows)
    ours = [row for row in rows if row.codec.startswith(SERVICE.title)]
    theirs = [row for row in rows if row.codec.startswith("Pillow")]
    assert [row.what for row in ours] == [*codecs.WRITTEN, *codecs.READ]
    assert {row.settings for row in theirs} == {"level 1", "level 3", "level 6", ""}
    assert not any("16" in row.what for row in theirs)
    sizes = {row.what: row.bytes for row in ours}
    assert sizes["8 bits"] < sizes["8 bits, noise"] < sizes["16 bits, noise"]
    text = codecs.tables(rows)
    assert all(f"### {what} to PNG" in text for what in codecs.WRITTEN)
    assert all(f"### {what} to pixels" in text for what in codecs.READ)


def test_a_codec_that_is_wrong_or_fails_is_a_reason_and_no_figure(
    picture: pictures.Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs, "SIZE", 0.02)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/requirements.txt").write_text("mine==1.0\n")
    (tmp_path / "mine/photographs.py").write_text(
        "import io\n"
        "from PIL import Image\n"
        "from stopwatch import serve\n"
        "def darker(pixels):\n"
        "    stream = io.BytesIO()\n"
        "    Image.fromarray(pixels // 2).save(stream, 'PNG')\n"
        "    return stream.getvalue()\n"
        "serve({'8': {'dark': darker}, '16': {}}, {'JPEG': lambda body: 1 / 0})\n"
    )
    mine = Contender("mine", "Mine", "mine", "{bin}/python photographs.py", {})
    monkeypatch.setattr("benchmarks.contenders.FOLDER", tmp_path)
    monkeypatch.setattr(codecs, "CODECS", (mine,))
    rows = codecs.measure([picture], 1, {"mine": PROGRAMS})
    assert [(row.what, row.seconds) for row in rows] == [
        ("8 bits", []), ("8 bits, noise", []), ("JPEG", [])
    ]  # fmt: skip
    assert "expected the same pixels" in rows[0].reason
    assert rows[2].reason == "ZeroDivisionError: division by zero"
    assert "- Mine 1.0 dark 8 bits: expected the same pixels" in codecs.tables(rows)


@pytest.mark.slow
def test_one_command_measures_all_and_writes_what_it_found(
    models: Path,
    picture: pictures.Pixels,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def prepared(contender: Contender) -> Path:
        if contender.name in (*HERE, FFDNET.name):
            return PROGRAMS
        raise Unavailable("expected a network, received none")

    for module in ("__main__", "alone", "codecs"):
        monkeypatch.setattr(f"benchmarks.photographs.{module}.prepare", prepared)
    monkeypatch.setattr("benchmarks.photographs.beside.SLICE", 0.05)
    monkeypatch.setattr("benchmarks.photographs.speed.ROUND", 0.05)
    monkeypatch.setattr(codecs, "SIZE", 0.02)
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(picture[:300, :400]).save(photos / "one.png")
    words = ["--sizes", "0.02,0.05", "--largest", "1", "--rounds", "2", "--before", "0.1"]
    words += ["--photos", str(photos), "--models", str(models), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["benchmarks.photographs", *words])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert command_line.main() == 0
    finally:
        signal.signal(signal.SIGTERM, handler)
    found = json.loads((tmp_path / "out/photographs.json").read_text())
    text = (tmp_path / "out/photographs.md").read_text()
    assert text in capsys.readouterr().out

    small, large = found["speed"]
    assert (small["megapixels"], large["megapixels"]) == (0.02, 0.05)
    assert {len(each) for each in large["speeds"].values()} == {2}
    assert len(large["speeds"]) == 5
    assert all(np.median(large["stages"][name]) > 0 for name in ("parse", "inference", "write"))
    assert "times FFDNet" in text
    assert "times session" in text

    png, jpeg = found["memory"]
    assert (png["kind"], jpeg["kind"]) == ("PNG", "JPEG")
    for each in (png, jpeg):
        assert each["peak"] > each["before"] + 2 * 3 * 1_000_000  # the picture, and what it became
        assert len(each["alone"]) == 2

    beside = found["beside"]
    assert beside["seconds"] > 0
    for when in ("before", "beside"):
        assert set(beside[when]) == {"28x28 in JSON", "0.25 MP, PNG"}
        assert all(set(each) == {"200"} for each in beside[when].values())

    assert {row["codec"].split()[0] for row in found["codecs"] if row["seconds"]} == {
        "This", "Pillow"
    }  # fmt: skip
    assert "- OpenCV  : expected a network, received none" in text


@pytest.mark.slow
def test_two_services_are_asked_in_turn_and_their_pixels_compared(
    models: Path, picture: pictures.Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bfloat16, "ROUND", 0.05)
    with started(models, "photo", PROGRAMS) as service:
        for model, alike in (("photo", True), ("photo&strength=0", False)):
            services = {bfloat16.FLOAT32: service, bfloat16.BFLOAT16: replace(service, model=model)}
            [result] = bfloat16.measure(services, picture, [0.02], Plan(2, 10))
            assert {len(each) for each in result.speeds.values()} == {2}
            assert all(peak > 20e6 for peak in result.peaks.values())
            assert (result.largest == 0, result.differing == 0) == (alike, alike)
    *_, row = bfloat16.tables([result]).splitlines()
    assert f" {result.largest} | " in row


def test_an_experiment_that_does_not_exist_is_refused_with_those_that_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks.photographs", "--only", "speed,other"])
    with pytest.raises(SystemExit):
        command_line.main()
    said = capsys.readouterr().err
    assert "expected some of speed, memory, beside, codecs, bfloat16, received other" in said


def test_files_are_of_the_format_and_hold_the_picture(picture: pictures.Pixels) -> None:
    pixels = pictures.sized(picture, 0.01)
    for kind, expected in (("PNG", 0), ("JPEG", 6), ("WebP", 6)):
        body = pictures.as_file(pixels, kind)
        assert Image.open(io.BytesIO(body)).format == kind.upper()
        error = np.abs(read(body, 1 << 20).pixels.astype(np.int16) - pixels).mean()
        assert error <= expected
