"""Buffers that stay on a device give what a plain run gives; here the device is the CPU."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from service.inference import io_binding as binding_module
from service.inference.device import Execution
from service.inference.io_binding import Binding
from service.inference.session import Session
from tests.service.tiny import blur, halve, mean_row, repeat_row, write_graph

RANDOM = np.random.default_rng(0)


def open_graph(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture
def binding(tmp_path: Path) -> Binding:
    write_graph(halve(), tmp_path / "graph.onnx")
    return Binding(open_graph(tmp_path / "graph.onnx"), "cpu", device_id=0, graphs=False)


def halved(binding: Binding, count: int) -> None:
    images = RANDOM.random((count, 4, 4), np.float32)
    outputs = binding.run({"images": images}, "reconstructions", images.shape)
    np.testing.assert_array_equal(outputs, images / 2)


def test_batches_of_any_size_give_what_a_plain_run_gives(binding: Binding) -> None:
    for count in (1, 2, 3, 5, 8, 3, 1):
        halved(binding, count)


def test_sizes_are_rounded_up_so_that_few_shapes_are_seen(binding: Binding) -> None:
    for count in range(1, 17):
        halved(binding, count)
    sizes = [shapes[0][1][0] for shapes in binding._buckets]
    assert sizes == [1, 2, 4, 8, 16]


def test_an_answer_is_not_changed_by_the_next_run(binding: Binding) -> None:
    ones = np.ones((2, 4, 4), np.float32)
    first = binding.run({"images": ones}, "reconstructions", ones.shape)
    binding.run({"images": 7 * ones}, "reconstructions", ones.shape)
    np.testing.assert_array_equal(first, ones / 2)


def test_the_buffers_longest_unused_are_let_go(
    binding: Binding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding_module, "MAX_BUCKETS", 2)
    for count in (1, 2, 1, 4):
        halved(binding, count)
    assert [shapes[0][1][0] for shapes in binding._buckets] == [1, 4]


def test_a_view_that_is_not_contiguous_is_taken(binding: Binding) -> None:
    images = RANDOM.random((4, 4, 4), np.float32).transpose(2, 1, 0)
    outputs = binding.run({"images": images}, "reconstructions", images.shape)
    np.testing.assert_array_equal(outputs, images / 2)


@pytest.mark.parametrize("steps", [1, 5])
def test_a_session_with_free_sizes_and_a_scalar_runs_through_buffers(
    tmp_path: Path, steps: int
) -> None:
    for graph in (mean_row(), repeat_row()):
        path = tmp_path / "graph.onnx"
        session = Session(path, write_graph(graph, path), Execution())
        shape = (3, steps, 4) if graph.steps is None else (3, 4)
        array = RANDOM.random(shape, np.float32)
        asked = None if graph.steps is None else steps
        plain = session.run(array, asked)
        session._binding = Binding(open_graph(path), "cpu", device_id=0, graphs=False)
        np.testing.assert_array_equal(session.run(array, asked), plain)


def test_photographs_run_through_buffers_each_with_its_noise(tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    session = Session(path, write_graph(blur(), path), Execution())
    array = RANDOM.random((3, 8, 16, 3), np.float32)
    sigma = np.array([0, -1, 100], np.float32)
    plain = session.run(array, None, sigma)
    session._binding = Binding(open_graph(path), "cpu", device_id=0, graphs=False)
    np.testing.assert_array_equal(session.run(array, None, sigma), plain)
    np.testing.assert_array_equal(plain[0], array[0])
