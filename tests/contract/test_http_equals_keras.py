"""From training to HTTP: what a client receives is what the Keras model gives."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import keras
import numpy as np
import onnx
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from service.app import create_app
from service.inference.loader import load
from service.manifest import Pixels
from service.settings import Settings
from tests.service.tiny import PROVENANCE
from training import graphs as exporting
from training.autoencoders.autoencoder import Autoencoder
from training.datasets import fashion_mnist
from training.export import ParityError
from training.fashion.recipes import RECIPES
from training.graphs import Inputs, export

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[1] / "data" / "fashion_mnist"
IMAGES = fashion_mnist.load(SAMPLES, subset=64).train
INPUTS = Inputs(IMAGES, Pixels(mode="L", scale=255.0))


@pytest.fixture(scope="module", params=RECIPES)
def name(request: pytest.FixtureRequest) -> str:
    """A model's name."""
    return str(request.param)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def autoencoder(name: str, root: Path) -> Autoencoder:
    """A model whose weights are as those of a trained one, none of them zero, and exported."""
    recipe = RECIPES[name]
    built = recipe.build(1)
    random = np.random.default_rng(1)
    for weight in built.whole.weights:
        if "float" in weight.dtype:
            weight.assign(weight + 0.05 * random.standard_normal(weight.shape))
    export(
        built,
        root / name / "1",
        summary=recipe.summary,
        provenance=PROVENANCE,
        denoises=bool(recipe.noises),
        inputs=INPUTS,
    )
    return built


def computed(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(model(inputs, training=False))


@pytest.fixture
async def client(autoencoder: Autoencoder, root: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(models=root, device="cpu"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.mark.parametrize("batch", [1, 9])
async def test_encode_decode_and_denoise_over_http_equal_keras(
    client: httpx.AsyncClient, autoencoder: Autoencoder, name: str, batch: int
) -> None:
    async def ask(operation: str, values: np.ndarray) -> np.ndarray:
        answer = await client.post(f"/{operation}?model={name}", json={"inputs": values.tolist()})
        assert answer.status_code == 200, answer.text
        return np.array(answer.json()["outputs"], np.float32)

    images = IMAGES[:batch]
    codings = computed(autoencoder.encoder, images)
    whole = computed(autoencoder.whole, images)
    equal(await ask("encode", images), codings)
    equal(await ask("decode", codings), whole)
    if RECIPES[name].noises:
        equal(await ask("denoise", images), whole)
    else:
        answer = await client.post(f"/denoise?model={name}", json={"inputs": images.tolist()})
        assert answer.status_code == 409


def equal(received: np.ndarray, expected: np.ndarray) -> None:
    """To 1e-5, of the largest number where that is above 1, as an export must be."""
    atol = 1e-5 * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(received, expected, atol=atol, rtol=0)


def graphs(folder: Path) -> Iterator[onnx.ModelProto]:
    for path in folder.glob("*.onnx"):
        yield onnx.load(path)


def test_graphs_are_small_and_name_their_free_dimensions(
    autoencoder: Autoencoder, root: Path, name: str
) -> None:
    for graph in graphs(root / name / "1"):
        assert graph.ByteSize() < (2_500_000 if name == "denoising-convolutional" else 1_000_000)
        assert graph.opset_import[0].version == 18
        free = {
            dimension.dim_param
            for value in [*graph.graph.input, *graph.graph.output]
            for dimension in value.type.tensor_type.shape.dim
            if dimension.dim_param
        }
        assert free <= {"batch", "steps"}
        assert "batch" in free


def test_layers_become_the_nodes_made_for_them(
    autoencoder: Autoencoder, root: Path, name: str
) -> None:
    kinds = [node.op_type for graph in graphs(root / name / "1") for node in graph.graph.node]
    if name == "recurrent":
        assert kinds.count("LSTM") == 3
        assert not {"Loop", "Scan"} & set(kinds)
        assert kinds.count("MatMul") == 1  # one product for all steps
    elif name == "convolutional":
        assert (kinds.count("Conv"), kinds.count("ConvTranspose")) == (3, 3)
        assert kinds.count("Transpose") == 2  # in and out of the coding's channels-last layout
    elif name == "denoising-convolutional":
        # Seven and five convolutions in encoder and decoder, and all of them in the denoiser.
        assert (kinds.count("Conv"), kinds.count("ConvTranspose")) == (24, 4)
        assert set(kinds) == {"Reshape", "Transpose", "Conv", "Relu", "Add", "ConvTranspose"}
    else:
        products = kinds.count("MatMul") + kinds.count("Gemm")
        assert products == (8 if RECIPES[name].noises else 4)
        assert set(kinds) <= {"Reshape", "MatMul", "Gemm", "Add", "Selu", "Sigmoid"}


@pytest.mark.parametrize("name", ["recurrent"], indirect=True)
async def test_a_sequence_of_40_rows_is_encoded_and_decoded_at_40(
    client: httpx.AsyncClient, autoencoder: Autoencoder, name: str
) -> None:
    rows = np.concatenate([IMAGES[:2], IMAGES[2:4, :12]], axis=1)
    encoded = await client.post("/encode?model=recurrent", json={"inputs": rows.tolist()})
    codings = {"inputs": encoded.json()["outputs"]}
    decoded = await client.post("/decode?model=recurrent&steps=40", json=codings)
    expected = computed(autoencoder.whole, rows)
    assert expected.shape == (2, 40, 28)
    np.testing.assert_allclose(decoded.json()["outputs"], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["stacked"], indirect=True)
def test_the_export_refuses_a_graph_that_differs_and_leaves_the_old_one(
    autoencoder: Autoencoder, root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / name / "1"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    convert = exporting._convert

    def disturbed(*arguments: object) -> onnx.ModelProto:
        model = convert(*arguments)  # type: ignore[arg-type]
        weights = next(each for each in model.graph.initializer if len(each.dims) == 2)
        values = onnx.numpy_helper.to_array(weights) + np.float32(1e-3)
        weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
        return model

    monkeypatch.setattr(exporting, "_convert", disturbed)
    with pytest.raises(ParityError, match=r"expected outputs within .* of Keras"):
        export(
            autoencoder, folder, summary="", provenance=PROVENANCE, denoises=False, inputs=INPUTS
        )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert load(folder).name == name
