"""Triton's own client, unmodified, against the service in a process of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from service import __version__
from tests.service.running import running
from tests.service.tiny import TINY, write_model

IMAGES = np.random.default_rng(1).random((3, 4, 4), np.float32)
MODEL = "half.denoise"
OUTPUT = "reconstructions"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    models = tmp_path_factory.mktemp("triton") / "models"
    for name in TINY:
        write_model(models, name)
    write_model(models, "half", 2)
    with running(models) as service:
        yield service.url.removeprefix("http://")


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    with InferenceServerClient(address, concurrency=8) as client:
        yield client


def images(array: Any = IMAGES, *, binary: bool = True, datatype: str = "FP32") -> Any:
    tensor = InferInput("images", list(array.shape), datatype)
    return tensor.set_data_from_numpy(array, binary_data=binary)


def test_server_and_models_are_live_and_ready(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready(MODEL, "3")
    assert not client.is_model_ready("nothing.denoise")


@pytest.mark.slow
def test_a_server_that_was_told_to_stop_is_live_and_not_ready(tmp_path: Path) -> None:
    write_model(tmp_path / "models", "half")
    write_model(tmp_path / "models", "mirror")
    with (
        running(tmp_path / "models", "--drain-seconds=30") as service,
        InferenceServerClient(service.url.removeprefix("http://")) as client,
    ):
        assert client.is_server_ready()
        service.process.terminate()
        while client.is_server_ready():
            pass
        assert client.is_server_live()
        assert client.is_model_ready(MODEL)


def test_metadata_and_configuration_are_read(client: Any) -> None:
    server = client.get_server_metadata()
    assert (server["name"], server["version"]) == ("autoencoder-service", __version__)
    metadata = client.get_model_metadata(MODEL)
    assert metadata["versions"] == ["1", "2"]
    assert metadata["inputs"] == [{"name": "images", "datatype": "FP32", "shape": [-1, 4, 4]}]
    assert client.get_model_metadata(MODEL, "1")["outputs"][0]["name"] == OUTPUT
    config = client.get_model_config(MODEL)
    assert config["max_batch_size"] == 64
    assert config["input"] == [{"name": "images", "data_type": "TYPE_FP32", "dims": [4, 4]}]
    assert client.get_model_config(MODEL, "1") == config


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary_out", [False, True])
@pytest.mark.parametrize("binary_in", [False, True])
def test_inference_in_json_and_in_binary(
    client: Any, binary_in: bool, binary_out: bool, compression: str | None
) -> None:
    result = client.infer(
        MODEL,
        [images(binary=binary_in)],
        outputs=[InferRequestedOutput(OUTPUT, binary_data=binary_out)],
        request_id="42",
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )
    response = result.get_response()
    assert (response["id"], response["model_name"]) == ("42", MODEL)
    assert response["model_version"] == "2"
    assert ("data" in response["outputs"][0]) != binary_out
    np.testing.assert_array_equal(result.as_numpy(OUTPUT), IMAGES / 2)


def test_without_outputs_the_one_there_is_comes_in_binary(client: Any) -> None:
    result = client.infer(MODEL, [images()], model_version="1")
    assert result.get_response()["model_version"] == "1"
    assert result.get_output(OUTPUT)["parameters"] == {"binary_data_size": IMAGES.nbytes}
    np.testing.assert_array_equal(result.as_numpy(OUTPUT), IMAGES / 2)


def test_pixels_are_taken(client: Any) -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    for binary in (False, True):
        result = client.infer(MODEL, [images(pixels, binary=binary, datatype="UINT8")])
        expected = pixels / np.float32(255) / 2
        np.testing.assert_array_equal(result.as_numpy(OUTPUT), expected)


def test_steps_are_taken(client: Any) -> None:
    codings = InferInput("codings", [1, 4], "FP32")
    codings.set_data_from_numpy(np.ones((1, 4), np.float32))
    steps = InferInput("steps", [1], "INT64")
    steps.set_data_from_numpy(np.array([7], np.int64))
    result = client.infer("rows.decode", [codings, steps])
    np.testing.assert_array_equal(result.as_numpy(OUTPUT), np.ones((1, 7, 4), np.float32))


def test_several_requests_at_once(client: Any) -> None:
    sent = [np.full((1, 4, 4), number, np.float32) for number in range(32)]
    waiting = [client.async_infer(MODEL, [images(each)]) for each in sent]
    for each, request in zip(sent, waiting, strict=True):
        np.testing.assert_array_equal(request.get_result().as_numpy(OUTPUT), each / 2)


def test_the_repository_is_listed_unloaded_from_and_loaded_into(client: Any) -> None:
    def state() -> str:
        listed = client.get_model_repository_index()
        (entry,) = (each for each in listed if each["name"] == "colours.denoise")
        return str(entry["state"])

    assert state() == "READY"
    client.unload_model("colours.denoise")
    assert state() == "UNAVAILABLE"
    assert not client.is_model_ready("colours.denoise")
    client.load_model("colours.denoise")
    assert state() == "READY"
    assert client.is_model_ready("colours.denoise")


def test_errors_arrive_with_their_status_and_what_they_say(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="expected \\(batch, 4, 4\\)") as mismatch:
        client.infer(MODEL, [images(IMAGES[0])])
    assert mismatch.value.status() == "422"
    with pytest.raises(InferenceServerException, match="expected one of") as unknown:
        client.get_model_metadata("nothing.denoise")
    assert unknown.value.status() == "404"
    with pytest.raises(InferenceServerException, match="GET /metrics has them") as missing:
        client.get_inference_statistics(MODEL)
    assert missing.value.status() == "501"
    with pytest.raises(InferenceServerException, match="expected no classification"):
        client.infer(MODEL, [images()], outputs=[InferRequestedOutput(OUTPUT, class_count=2)])
    shared = InferInput("images", [1, 4, 4], "FP32")
    shared.set_shared_memory("region", 64)
    with pytest.raises(InferenceServerException, match="expected no shared_memory_region"):
        client.infer(MODEL, [shared])
    with pytest.raises(InferenceServerException, match="path: expected one of"):
        client.register_system_shared_memory("region", "/key", 64)
