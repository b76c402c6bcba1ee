"""The operations through either client, against the real service over a socket."""

import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.client import Client, errors
from tests.client.conftest import Connect
from tests.client.scripted import answer, scripted, tls_server

COLOUR = np.arange(24 * 16 * 3, dtype=np.uint8).reshape(24, 16, 3)
SIZE = (384, 320)
GRAY = (np.arange(16, dtype=np.uint8) * 16).reshape(4, 4)


def file(pixels: Any, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def test_a_photograph_comes_back_in_its_own_format(client: Any, example: Path) -> None:
    result = client.denoise(example, sigma=20, strength=0.5)
    assert (result.media_type, result.suffix) == ("image/jpeg", ".jpg")
    assert (result.model, result.version, result.provider) == (
        "informed",
        1,
        "CPUExecutionProvider",
    )
    assert result.sigma == (20.0,)
    assert set(result.timings) == {"parse", "queue", "inference", "write"}
    assert len(result.request_id) == 32
    assert result.image().size == SIZE


@pytest.mark.parametrize(
    "give", [lambda path: path, str, Path.read_bytes, lambda p: p.open("rb"), Image.open]
)
def test_every_kind_of_picture_is_denoised_alike(client: Any, example: Path, give: Any) -> None:
    image = give(example)
    result = client.denoise(image, sigma=20, format="png")
    expected = client.denoise(example.read_bytes(), sigma=20, format="png")
    np.testing.assert_array_equal(result.array(), expected.array())
    if hasattr(image, "close"):
        image.close()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_array_comes_back_in_its_shape(client: Any, dtype: Any, count: int) -> None:
    scale = 1 if dtype is np.uint8 else 255
    image = (COLOUR / scale).astype(dtype)
    image = np.stack([image] * count) if count else image
    result = client.denoise(image, sigma=10)
    array = result.array()
    assert result.model == "informed"  # that of pictures, though arrays have another default
    assert array.shape == image.shape
    assert array.dtype == (np.uint8 if dtype is np.uint8 else np.float32)
    assert len(result.sigma) == max(1, count)


def test_gray_arrays_go_to_the_default_of_arrays(client: Any) -> None:
    single, batch = client.denoise(GRAY), client.denoise(np.stack([GRAY, GRAY]))
    assert (single.model, single.version) == ("half", 2)
    np.testing.assert_array_equal(single.array(), (GRAY / 2 + 0.5).astype(np.uint8))
    assert batch.array().shape == (2, 4, 4)


def test_the_options_reach_the_service(client: Any, example: Path) -> None:
    part = client.denoise(example, region=(8, 16, 40, 24), effort=2, luma=0.5, chroma=0.25)
    assert part.image().size == (40, 24)
    assert client.denoise(file(GRAY, "PNG"), model="half", version=1, fit=True).version == 1
    small, large = (client.denoise(example, quality=each, format="webp") for each in (10, 95))
    assert len(small.content) < len(large.content)
    assert small.media_type == "image/webp"


def test_a_picture_becomes_an_array_without_pillow(client: Any, example: Path) -> None:
    result = client.denoise(example, format="npy")
    assert result.array().shape == (1, SIZE[1], SIZE[0], 3)


def test_a_zip_of_photographs_comes_back_as_one(client: Any, example: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as archive:
        archive.write(example, "a.jpg")
        archive.writestr("b.png", file(COLOUR, "PNG"))
    result = client.denoise(tmp_path / "sent.zip", sigma=20)
    assert result.media_type == "application/zip"
    with zipfile.ZipFile(result.save(tmp_path / "clean.zip")) as archive:
        assert archive.namelist() == ["a.jpg", "b.png", "manifest.json"]
    for reading in (result.image, result.array):
        with pytest.raises(ValueError, match="expected one picture, received a zip"):
            reading()


def test_codings_go_there_and_back(client: Any) -> None:
    images = np.stack([GRAY, GRAY]) / np.float32(255)
    codings = client.encode(images)
    assert codings.array().shape == (2, 16)
    for given in (codings, codings.array()):
        np.testing.assert_allclose(client.decode(given).array(), images)
    assert client.decode(
        client.encode(images, model="rows"), model="rows", steps=7
    ).array().shape == (2, 7, 4)
    assert client.decode(client.encode(GRAY), format="png").image().size == (4, 4)


def test_noise_is_estimated(client: Any, example: Path) -> None:
    for image in (example, COLOUR):
        estimate = client.estimate(image)
        assert estimate.model == "informed"
        assert estimate.sigma == estimate.noise[0].sigma > 0


def test_models_are_described(client: Any) -> None:
    models = {(each.name, each.version): each for each in client.models()}
    assert models["half", 2].default_for == ("denoise",)
    assert models["informed", 1].default_for_pictures == ("denoise", "estimate")
    assert client.model("half") == models["half", 2]
    assert client.model("half", 1) == models["half", 1]
    assert models["half", 1].manifest["summary"] == "A tiny model"
    for name, version in (("half", 3), ("none such?", None)):
        with pytest.raises(errors.ModelNotFound):
            client.model(name, version)


def test_readiness_is_told_and_not_waited_for(client: Any, connect: Connect) -> None:
    assert client.ready()
    assert not connect("http://127.0.0.1:1").ready()


@pytest.mark.parametrize("trusts", [False, True])
def test_a_certificate_that_is_not_right_is_told_and_at_once(
    connect: Connect, certificate: Path, monkeypatch: pytest.MonkeyPatch, trusts: bool
) -> None:
    if trusts:  # it is then of another host
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    told = "Hostname|IP address mismatch" if trusts else "self-signed certificate"
    with tls_server(certificate) as url:
        client = connect(url)
        for call in (client.ready, client.models):
            with pytest.raises(errors.Unreachable, match=told):
                call()


def test_a_service_without_tls_is_told(connect: Connect, url: str) -> None:
    with pytest.raises(errors.Unreachable, match="SSL"):
        connect(url.replace("http:", "https:")).ready()


def test_an_api_key_is_sent_without_the_ends_of_a_line(connect: Connect) -> None:
    with scripted([answer("200 OK")]) as server:
        connect(server.url, api_key=" secret\r\n").ready()
    assert "Authorization: Bearer secret" in server.heads[0].splitlines()


@pytest.mark.parametrize("key", ["secret\nsecret", "sécret", "two secrets", " \n"])
def test_no_error_shows_an_api_key(connect: Connect, url: str, key: str) -> None:
    with pytest.raises(ValueError, match="api_key: expected visible ASCII") as raised:
        connect(url, api_key=key)
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("image", "options", "error"),
    [
        (b"nothing that is known", {}, errors.UnsupportedMediaType),
        (b"\x89PNG\r\n\x1a\n", {}, errors.MalformedBody),
        (GRAY, {"model": "none"}, errors.ModelNotFound),
        (GRAY, {"model": "mirror"}, errors.OperationNotOffered),
        (GRAY[:3], {}, errors.ShapeMismatch),
        (COLOUR, {"sigma": 200}, errors.InvalidValue),
        (COLOUR, {"format": "text/html"}, errors.NotAcceptable),
    ],
)
def test_a_refusal_is_the_exception_of_its_code(
    client: Any, image: Any, options: Any, error: type[errors.ServiceError]
) -> None:
    with pytest.raises(error) as raised:
        client.denoise(image, **options)
    problem = raised.value
    assert type(problem) is errors.BY_CODE[problem.code]
    assert isinstance(problem, errors.RequestError)
    assert problem.status in range(400, 500)
    assert len(problem.request_id) == 32
    assert str(problem) == f"{problem.title}: {problem.detail}"


def test_a_parameter_that_an_operation_lacks_is_named_before_anything_is_sent(client: Any) -> None:
    with pytest.raises(
        TypeError, match="encode: expected one of fit, model, version, received 'sig"
    ):
        client.encode(GRAY, sigma=3)


def test_pictures_are_saved_under_suffixes_of_their_format(
    client: Any, example: Path, tmp_path: Path
) -> None:
    result = client.denoise(example)
    assert result.save(tmp_path / "clean.jpeg").read_bytes() == result.content
    assert result.save(str(tmp_path / "clean")).exists()
    with pytest.raises(
        ValueError, match=r"expected the suffix .jpg or .jpeg of image/jpeg, received"
    ):
        result.save(tmp_path / "clean.png")
    assert not (tmp_path / "clean.png").exists()


def test_a_service_may_be_below_a_path(connect: Connect, url: str) -> None:
    assert connect(f"{url}/").ready()
    with pytest.raises(errors.NotFound):
        connect(f"{url}/below/").models()


def test_an_httpx_client_can_be_given_and_stays_open(url: str, example: Path) -> None:
    sent: list[httpx.Request] = []
    with httpx.Client(event_hooks={"request": [sent.append]}) as http:
        with Client(url, http=http, api_key="secret") as client:
            client.denoise(example)
        assert http.get(f"{url}/health/live").is_success
    assert sent[0].headers["Authorization"] == "Bearer secret"
    assert sent[0].headers["User-Agent"].startswith("autoencoder-service-client/")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "http://", "/path"])
def test_a_url_that_is_none_of_http_is_refused(connect: Connect, url: str) -> None:
    with pytest.raises(ValueError, match="base_url: expected http"):
        connect(url)


def test_every_code_of_the_service_has_an_exception() -> None:
    from service import errors as served

    def codes(kind: type[served.ServiceError]) -> set[str]:
        return {kind.code}.union(*map(codes, kind.__subclasses__()))

    of_the_command_line = {"startup-error", "output-error", "store-error", "cluster-error"}
    assert codes(served.ServiceError) - of_the_command_line <= errors.BY_CODE.keys()
    for kind in errors.BY_CODE.values():
        assert f" {kind.__name__} " in (errors.__doc__ or "")
