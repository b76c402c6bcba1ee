"""The shipped models do over HTTP what their manifests say."""

import gzip
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from service.app import create_app
from service.inference.loader import load, newest
from service.manifest import Manifest, Pixels
from service.settings import Settings
from training import card

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "data" / "fashion_mnist" / "t10k-images-idx3-ubyte.gz"
FOLDERS = newest(ROOT / "models")
MANIFESTS = {name: Manifest.read(folder) for name, folder in FOLDERS.items()}
# Upper bounds of the MSE on the validation images.
LARGEST_MSE = {
    "stacked": 0.0110,
    "stacked-layerwise": 0.0133,
    "convolutional": 0.0065,
    "recurrent": 0.0104,
    "denoising-dropout": 0.0166,
    "denoising-gaussian": 0.0150,
    "denoising-convolutional": 0.0006,
    "sparse-l1": 0.0085,
    "sparse-kl": 0.0099,
}
PHOTOGRAPHS = ["photo"]
# Lower bounds of the PSNR in dB on Kodak's images, without sigma.
SMALLEST_PSNR = {
    "clean": 42.0,
    "white noise of sigma 15": 33.9,
    "white noise of sigma 25": 31.5,
    "white noise of sigma 50": 28.3,
}
TRAINED_FOR = [
    ("denoising-dropout", "50% of the pixels dead"),
    ("denoising-gaussian", "gaussian noise of 0.4"),
    ("denoising-convolutional", "50% of the pixels dead"),
    ("denoising-convolutional", "gaussian noise of 0.1"),
    ("denoising-convolutional", "gaussian noise of 0.2"),
    ("denoising-convolutional", "gaussian noise of 0.4"),
]
LARGEST_GRAPHS = {"photo": 12_000_000, "denoising-convolutional": 2_500_000}
"""In bytes, of the models whose graphs may be larger than a megabyte."""


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    """The first 100 test images."""
    content = gzip.decompress(SAMPLES.read_bytes())
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)[:100]


@pytest.fixture(scope="module")
def images(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(255)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(models=ROOT / "models", device="cpu"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


def measured(name: str, quantity: str, data: str, condition: str, method: str = "model") -> float:
    """The value of the only matching measurement in a manifest; `data` is matched at its end."""
    (value,) = (
        each.value
        for each in MANIFESTS[name].measurements
        if each.data.endswith(data)
        and (each.quantity, each.condition, each.method) == (quantity, condition, method)
    )
    return value


def psnr(error: float) -> float:
    return float(-10 * np.log10(error))


def test_all_ten_are_shipped() -> None:
    assert set(MANIFESTS) == {*PHOTOGRAPHS, *LARGEST_MSE}


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_card_of_a_model_says_what_its_manifest_says(name: str) -> None:
    assert (FOLDERS[name] / card.FILE_NAME).read_text() == card.render(MANIFESTS[name])


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_model_says_with_which_command_it_was_trained(name: str) -> None:
    provenance = MANIFESTS[name].provenance
    command = f"python -m training train {name} --seed {provenance.seed}"
    if name in PHOTOGRAPHS:
        assert provenance.command.startswith(f"{command} --photos ")
    else:
        assert provenance.command == command


@pytest.mark.parametrize("name", LARGEST_MSE)
def test_a_model_reconstructs_at_least_as_well_as_it_must(name: str) -> None:
    assert measured(name, "mse", "5,000 validation images", "clean") <= LARGEST_MSE[name]


@pytest.mark.parametrize("name", LARGEST_MSE)
def test_a_model_was_trained_in_full(name: str) -> None:
    assert MANIFESTS[name].provenance.dataset == "Fashion-MNIST (55,000 training images)"


@pytest.mark.parametrize("name", MANIFESTS)
def test_graphs_are_small(name: str) -> None:
    most = LARGEST_GRAPHS.get(name, 1_000_000)
    assert all(path.stat().st_size < most for path in (ROOT / "models" / name).rglob("*.onnx"))


@pytest.mark.parametrize("name", LARGEST_MSE)
def test_the_figures_of_a_manifest_are_those_of_its_graphs(
    name: str, images: NDArray[np.float32]
) -> None:
    model = load(FOLDERS[name])
    received = model.infer("decode", model.infer("encode", images))
    # The manifest's figure is for 10,000 images, this one for the first 100 of them.
    assert np.mean((received - images) ** 2) == pytest.approx(
        measured(name, "mse", "10,000 test images", "clean"), rel=0.15
    )


def test_sparse_kl_is_as_sparse_as_the_book_says() -> None:
    """About 70 % of the activations, about 90 % of the neurons, each within 5 percentage points."""
    conditions = {
        "activations under 0.1": 0.70,
        "neurons with a mean activation between 0.1 and 0.2": 0.90,
    }
    for condition, share in conditions.items():
        found = measured("sparse-kl", "share", "5,000 validation images", condition)
        assert found == pytest.approx(share, abs=0.05)


def test_codings_of_sparse_l1_are_sparse_and_not_just_small() -> None:
    def share(condition: str) -> float:
        return measured("sparse-l1", "share", "5,000 validation images", condition)

    assert share("activations under 0.01") > 0.7
    assert share("activations under 0.1") > 0.9
    assert share("images with an activation above 0.5") > 0.9


@pytest.mark.parametrize(("name", "condition"), TRAINED_FOR)
def test_a_denoiser_beats_every_other_method_at_the_noise_it_was_trained_for(
    name: str, condition: str
) -> None:
    mine = measured(name, "psnr", "10,000 test images", condition)
    for method in (
        "corrupted input",
        "linear filter",
        "non-local means",
        "total variation",
        "wavelets",
    ):
        assert mine > measured(name, "psnr", "10,000 test images", condition, method)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("condition", SMALLEST_PSNR)
def test_a_model_restores_photographs_at_least_as_well_as_it_must(
    name: str, condition: str
) -> None:
    found = measured(
        name, "psnr", "24 images of kodak24, the middle 500 x 500 pixels of each", condition
    )
    assert found >= SMALLEST_PSNR[condition]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_model_of_photographs_says_how_to_cut_them_and_takes_sigma(name: str) -> None:
    assert set(MANIFESTS[name].operations) == {"denoise", "estimate"}
    described = MANIFESTS[name].operations["denoise"]
    assert described.input.shape == described.output.shape == ("batch", "height", "width", 3)
    assert described.tiles
    assert described.sigma
    assert described.sigma.highest == 100
    assert described.profile
    assert MANIFESTS[name].operations["estimate"].mosaic
    assert MANIFESTS[name].pixels == Pixels(mode="RGB", scale=255)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("query", ["", "&sigma=25"], ids=["blind", "told sigma"])
async def test_a_photograph_comes_back_closer_to_the_original_by_8_db(
    client: httpx.AsyncClient, name: str, query: str
) -> None:
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(40, 216, (7, 9, 3), np.uint8))
    original = np.asarray(coarse.resize((150, 131), Image.Resampling.BICUBIC))
    noisy = np.clip(original + 25 * random.standard_normal(original.shape), 0, 255)
    sent = np.rint(noisy).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(sent).save(stream, "PNG")
    answer = await client.post(
        f"/denoise?model={name}{query}",
        content=stream.getvalue(),
        headers={"Content-Type": "image/png"},
    )
    received = np.asarray(Image.open(io.BytesIO(answer.content)))
    before, after = (
        psnr(float(np.mean((each / 255 - original / 255) ** 2))) for each in (sent, received)
    )
    assert after - before > 8


@pytest.mark.parametrize("name", LARGEST_MSE)
async def test_codings_go_and_come_as_json_and_as_npy(
    client: httpx.AsyncClient, name: str, images: NDArray[np.float32]
) -> None:
    async def ask(operation: str, values: Any, kind: str) -> NDArray[np.float32]:
        url = f"/{operation}?model={name}"
        if kind == "json":
            answer = await client.post(url, json={"inputs": values.tolist()})
            return np.array(answer.json()["outputs"], np.float32)
        stream = io.BytesIO()
        np.save(stream, values)
        headers = {"Content-Type": "application/x-npy"}
        answer = await client.post(url, content=stream.getvalue(), headers=headers)
        loaded: NDArray[np.float32] = np.load(io.BytesIO(answer.content))
        return loaded

    received = {}
    for kind in ("json", "npy"):
        codings = await ask("encode", images[:20], kind)
        received[kind] = await ask("decode", codings, kind)
        assert received[kind].shape == (20, 28, 28)
        assert np.mean((received[kind] - images[:20]) ** 2) < 2 * LARGEST_MSE[name]
    np.testing.assert_array_equal(received["json"], received["npy"])


@pytest.mark.parametrize(
    ("name", "dead", "noise"),
    [
        ("denoising-dropout", True, 0.5),
        ("denoising-gaussian", False, 0.4),
        ("denoising-convolutional", True, 0.5),
        ("denoising-convolutional", False, 0.4),
    ],
)
async def test_noisy_pictures_come_back_closer_to_the_originals_by_6_db(
    client: httpx.AsyncClient, pixels: NDArray[np.uint8], name: str, dead: bool, noise: float
) -> None:
    random = np.random.default_rng(0)
    gains = []
    for original in pixels:
        if dead:
            noisy = original * (random.random(original.shape) >= noise)
        else:
            noisy = np.clip(original + 255 * noise * random.standard_normal(original.shape), 0, 255)
        sent = noisy.astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(sent).save(stream, "PNG")
        answer = await client.post(
            f"/denoise?model={name}",
            content=stream.getvalue(),
            headers={"Content-Type": "image/png"},
        )
        assert answer.headers["content-type"] == "image/png"
        received = np.asarray(Image.open(io.BytesIO(answer.content)))
        before, after = (
            psnr(float(np.mean((each / 255 - original / 255) ** 2))) for each in (sent, received)
        )
        gains.append(after - before)
    assert np.mean(gains) > 6
