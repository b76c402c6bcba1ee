import io
import json

import numpy as np
import pytest

from benchmarks.dialects import JSON, NPY, OPEN_BINARY, OPEN_JSON
from benchmarks.images import Floats, noisy

IMAGES = noisy(2)


def npy(images: Floats) -> bytes:
    stream = io.BytesIO()
    np.save(stream, images)
    return stream.getvalue()


def test_images_are_the_same_every_time_and_half_dead() -> None:
    assert IMAGES.shape == (2, 28, 28)
    assert IMAGES.dtype == np.float32
    assert 0 <= IMAGES.min() < IMAGES.max() <= 1
    many = noisy(300)
    np.testing.assert_array_equal(many, noisy(300))
    whole = many[:100].max(axis=0) > 0  # a pixel that is alive in some image of the first hundred
    assert np.mean(many[:100, whole] == 0) > 0.5


def test_json_asks_with_nested_lists_and_reads_them_with_or_without_a_name() -> None:
    request = JSON.ask(IMAGES)
    assert (request.content_type, request.headers) == ("application/json", ())
    sent = np.array(json.loads(request.body)["inputs"], np.float32)
    np.testing.assert_array_equal(sent, IMAGES)
    for answer in (IMAGES.tolist(), {"model": "m", "outputs": IMAGES.tolist()}):
        np.testing.assert_array_equal(JSON.read(json.dumps(answer).encode()), IMAGES)


def test_npy_asks_and_reads_what_numpy_saves() -> None:
    request = NPY.ask(IMAGES)
    assert request.content_type == "application/x-npy"
    assert request.body == npy(IMAGES)
    np.testing.assert_array_equal(NPY.read(npy(IMAGES)), IMAGES)


def test_the_open_protocol_asks_with_a_flat_tensor_and_reads_one() -> None:
    [tensor] = json.loads(OPEN_JSON.ask(IMAGES).body)["inputs"]
    data = tensor.pop("data")
    assert tensor == {"name": "images", "shape": [2, 28, 28], "datatype": "FP32"}
    np.testing.assert_array_equal(np.array(data, np.float32), IMAGES.ravel())
    answer = {"id": "1", "outputs": [{**tensor, "data": data}]}
    np.testing.assert_array_equal(OPEN_JSON.read(json.dumps(answer).encode()), IMAGES)


def test_the_binary_extension_puts_bytes_behind_a_head_of_known_length() -> None:
    request = OPEN_BINARY.ask(IMAGES)
    [field] = request.headers
    name, length = field.split(": ")
    assert name == "Inference-Header-Content-Length"
    head, data = request.body[: int(length)], request.body[int(length) :]
    [tensor] = json.loads(head)["inputs"]
    assert tensor["parameters"] == {"binary_data_size": len(data)}
    assert data == IMAGES.tobytes()
    # Bytes that look like JSON must not be taken for it.
    images = np.frombuffer(b'{"a"' * 784, np.float32).reshape(1, 28, 28)
    answer = {"outputs": [{"name": "o", "shape": [1, 28, 28], "datatype": "FP32"}]}
    received = OPEN_BINARY.read(json.dumps(answer).encode() + images.tobytes())
    np.testing.assert_array_equal(received, images)


@pytest.mark.parametrize("count", [1, 5])
def test_as_many_images_are_made_as_are_asked_for(count: int) -> None:
    assert noisy(count).shape == (count, 28, 28)
