"""OpenVINO: what is asked of it, and that it runs all of a photograph's graph or nothing starts."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from onnx import helper
from PIL import Image

from service.errors import StartupError
from service.inference import device, openvino
from service.inference.builds import installed_builds
from service.inference.device import Execution
from service.inference.doctor import examine
from service.inference.loader import load
from service.inference.openvino import OPENVINO, OpenVino
from service.inference.session import Session
from service.settings import Settings
from tests.service.tiny import (
    COLOURS,
    TILES,
    Graph,
    Start,
    blur,
    reconstructions,
    write_graph,
    write_model,
)

SHIPPED = Path(__file__).parents[2] / "models"
NEEDS_WHEEL = pytest.mark.skipif(
    "onnxruntime-openvino" not in installed_builds(), reason="needs the extra [openvino]"
)
F32 = Execution("openvino", threads=1, openvino=OpenVino("f32"))


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Sets the flags of the processor."""

    def has(flags: str) -> None:
        path = tmp_path / "cpuinfo"
        path.write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\nbugs\t\t: avx512_bf16_bug\n")
        monkeypatch.setattr(openvino, "CPUINFO", path)

    return has


@pytest.fixture
def built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build with OpenVINO says."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: [OPENVINO, device.CPU])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("avx2 avx512f", ()),
        ("avx512_bf16 avx512f", ("avx512_bf16",)),
        ("amx_tile amx_bf16 avx512_bf16", ("avx512_bf16", "amx_bf16")),
    ],
)
def test_instructions_for_bfloat16_are_read_from_the_processors_flags(
    processor: Callable[[str], None], flags: str, expected: tuple[str, ...]
) -> None:
    processor(flags)
    assert openvino.bfloat16_instructions() == expected


def test_a_system_that_does_not_tell_the_flags_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(openvino, "CPUINFO", tmp_path / "none")
    assert openvino.bfloat16_instructions() == ()


@pytest.mark.parametrize("precision", ["bf16", "f32"])
def test_photographs_are_asked_of_openvino_alone_and_all_else_of_the_cpu(
    built_in: None, processor: Callable[[str], None], precision: openvino.Precision
) -> None:
    processor("avx512_bf16")
    execution = Execution("openvino", openvino=OpenVino(precision))
    assert device.providers(execution, photographs=False) == [device.CPU]
    [asked] = device.providers(execution, photographs=True, threads=3)
    assert isinstance(asked, tuple)
    assert asked[0] == OPENVINO
    asked_of_cpu = json.loads(asked[1]["load_config"])["CPU"]
    assert asked_of_cpu["INFERENCE_PRECISION_HINT"] == precision
    assert asked_of_cpu["INFERENCE_NUM_THREADS"] == "3"


@pytest.mark.parametrize("photographs", [True, False])
def test_bfloat16_fails_where_the_processor_has_none(
    built_in: None, processor: Callable[[str], None], photographs: bool
) -> None:
    processor("avx512f")
    with pytest.raises(
        StartupError, match=r"SERVICE_OPENVINO_PRECISION \(--openvino-precision\): expected .*bf16"
    ):
        device.providers(Execution("openvino"), photographs=photographs)
    assert device.providers(F32, photographs=True)


def test_openvino_fails_where_it_is_not_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: [device.CPU])
    with pytest.raises(
        StartupError, match=r"SERVICE_DEVICE \(--device\): .* install the extra \[openvino\]"
    ):
        device.providers(F32)


@pytest.mark.skipif("onnxruntime-openvino" in installed_builds(), reason="it would run")
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_openvino_fails_where_it_is_built_in_and_does_not_run(
    built_in: None, tmp_path: Path
) -> None:
    operation = write_graph(blur(), tmp_path / "graph.onnx")
    with pytest.raises(StartupError, match=f"expected .*{OPENVINO}"):
        Session(tmp_path / "graph.onnx", operation, F32)


def test_the_precision_is_a_setting() -> None:
    assert Settings().execution.openvino == OpenVino("bf16")
    assert Settings(openvino_precision="f32").execution.openvino == OpenVino("f32")


def test_the_doctor_says_what_the_processor_and_the_build_offer(
    processor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: [device.CPU])
    write_model(tmp_path, "photo")

    def found() -> dict[str, str]:
        return {each.what: each.found for each in examine(tmp_path, device="cpu")}

    processor("avx512f")
    assert found()["bfloat16 instructions"] == "none"
    assert found()["OpenVINO"] == "not in this build"
    processor("avx512_bf16 amx_bf16")
    assert found()["bfloat16 instructions"] == "avx512_bf16, amx_bf16"
    assert "install the extra [openvino]" in found()["OpenVINO"]
    advice = examine(tmp_path, device="openvino")[-1].advice
    assert "install the extra [openvino] instead" in advice


def random_scale() -> Graph:
    """A graph that OpenVINO takes a part of."""
    nodes = [
        helper.make_node("Bernoulli", ["images"], ["drawn"]),
        helper.make_node("Mul", ["images", "drawn"], ["reconstructions"]),
    ]
    return Graph(COLOURS, reconstructions(COLOURS), None, nodes, [], None, TILES)


@NEEDS_WHEEL
def test_a_graph_that_openvino_does_not_take_whole_is_refused(tmp_path: Path) -> None:
    operation = write_graph(random_scale(), tmp_path / "graph.onnx")
    with pytest.raises(StartupError, match=f"expected a graph that {OPENVINO} takes whole"):
        Session(tmp_path / "graph.onnx", operation, F32)


@NEEDS_WHEEL
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_photo_on_openvino_is_the_cpu_within_its_precision(precision: openvino.Precision) -> None:
    if precision == "bf16" and not openvino.bfloat16_instructions():
        pytest.skip("the processor has no bfloat16")
    folder = max((SHIPPED / "photo").iterdir(), key=lambda each: int(each.name))
    execution = Execution("openvino", threads=1, openvino=OpenVino(precision))
    ours = load(folder, execution=execution)
    theirs = load(folder, execution=Execution("cpu", threads=1))
    assert ours.provider == ours.batchers["denoise"].session.provider == OPENVINO
    random = np.random.default_rng(0)
    for height, width in ((64, 96), (104, 64)):
        noisy = random.uniform(0.3, 0.7, (1, height, width, 3)).astype(np.float32)
        error = 255 * np.abs(
            ours.infer("denoise", noisy, sigma=25.0) - theirs.infer("denoise", noisy, sigma=25.0)
        )
        assert error.max() < (0.01 if precision == "f32" else 4)
        # It is as asked: float32 would be nearer, and fewer digits further away.
        assert precision == "f32" or 0.01 < error.mean() < 1


@NEEDS_WHEEL
async def test_headers_and_metrics_name_openvino(start: Start) -> None:
    client = start(device="openvino", openvino_precision="f32", threads=1)
    models = (await client.get("/models")).json()["models"]
    served = {each["name"]: each["execution_provider"] for each in models}
    assert (served["photo"], served["half"]) == (OPENVINO, device.CPU)
    stream = io.BytesIO()
    Image.new("RGB", (24, 16), (200, 100, 50)).save(stream, "PNG")
    answer = await client.post(
        "/denoise?model=photo", content=stream.getvalue(), headers={"Content-Type": "image/png"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Execution-Provider"] == OPENVINO
    told = (await client.get("/metrics")).text
    for provider in (OPENVINO, device.CPU):
        assert f'execution_provider_info{{provider="{provider}"}} 1.0' in told
