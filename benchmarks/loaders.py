"""How fast PyDataset, Grain and tf.data read pictures: python -m benchmarks.loaders FOLDER.

Each reads the pictures of a folder as batches of one size in a random order, decoding the files in
every epoch, and again from an array that the files were decoded into once. Grain is measured where
it is installed.
"""

import argparse
import math
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import backend
from training.datasets import photos
from training.datasets.image_files import Frame
from training.datasets.items import Items

BATCH = 64
Loader = Callable[[], Iterable[Any]]


def main() -> None:
    """Print a line for each loader: pictures a second, and processor seconds of 1,000 pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    backend.load()
    paths = photos.folder(options.folder).paths
    frame = Frame((options.size, options.size), "RGB", "resize")
    begun = time.process_time()
    array = np.stack([next(frame.items(path)) for path in paths])
    print(f"decoded once: {1000 * (time.process_time() - begun) / len(paths):.2f} s for 1,000")
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, np.uint8, "w+", shape=array.shape)
        mapped[:] = array
    loaders = {
        "files": dict(_of_files(paths, frame, options.threads)),
        "mapped array": dict(_of_array(Items(mapped, np.arange(len(mapped))), options.threads)),
    }
    for source, of_source in loaders.items():
        for name, loader in of_source.items():
            _measure(f"{source}, {name}", loader, len(paths), options.epochs)


def _measure(name: str, loader: Loader, count: int, epochs: int) -> None:
    for batch in loader():  # the first epoch starts threads and fills caches
        np.asarray(batch[0] if isinstance(batch, tuple) else batch)
    wall, used = time.perf_counter(), _processor()
    for _ in range(epochs):
        read = sum(len(batch) for batch in loader())
        assert read == count, f"{name}: expected {count} pictures, received {read}"
    wall, used = time.perf_counter() - wall, _processor() - used
    items = epochs * count
    print(f"{name}: {items / wall:,.0f} a second, {1000 * used / items:.3f} s for 1,000")


def _processor() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def _of_files(paths: tuple[Path, ...], frame: Frame, threads: int) -> Iterator[tuple[str, Loader]]:
    def decoded(path: str | Path) -> NDArray[np.float32]:
        return np.divide(next(frame.items(Path(path))), 255, dtype=np.float32)

    yield (
        "PyDataset",
        lambda: _py_dataset(
            len(paths), lambda some: np.stack([decoded(paths[each]) for each in some]), threads
        ),
    )
    yield "tf.data", lambda: _decoded_by_tensorflow(paths, frame, threads)
    if find_spec("grain"):
        yield "Grain", lambda: _grain([str(path) for path in paths], decoded, threads)


def _of_array(items: Items, threads: int) -> Iterator[tuple[str, Loader]]:
    yield "PyDataset", lambda: _py_dataset(len(items), items.take, threads)
    yield "tf.data", lambda: _mapped_by_tensorflow(items)
    if find_spec("grain"):
        yield (
            "Grain",
            lambda: _grain(np.arange(len(items)), lambda index: items.take(int(index)), threads),
        )


def _py_dataset(
    count: int, take: Callable[[NDArray[np.int64]], Any], threads: int
) -> Iterator[Any]:
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter
    from keras.utils import PyDataset

    class Batches(PyDataset):
        def __init__(self) -> None:
            super().__init__(workers=threads)
            self.order = np.random.default_rng().permutation(count)

        @property
        def num_batches(self) -> int:
            return math.ceil(count / BATCH)

        def __getitem__(self, index: int) -> Any:
            return (take(np.sort(self.order[BATCH * index : BATCH * (index + 1)])),)

    for (batch,) in PyDatasetAdapter(Batches()).get_tf_dataset():
        yield batch


def _decoded_by_tensorflow(paths: tuple[Path, ...], frame: Frame, threads: int) -> Iterator[Any]:
    import tensorflow as tf

    def decode(path: Any) -> Any:
        image = tf.io.decode_image(tf.io.read_file(path), 3, expand_animations=False)
        image = tf.image.resize(image, frame.size[::-1], "lanczos3", antialias=True)
        return tf.clip_by_value(image / 255, 0, 1)

    names = [str(path) for path in paths]
    data = tf.data.Dataset.from_tensor_slices(names).shuffle(len(names))
    yield from data.map(decode, threads).batch(BATCH).prefetch(2)


def _mapped_by_tensorflow(items: Items) -> Iterator[Any]:
    import tensorflow as tf

    def batches() -> Iterator[Any]:
        order = np.random.default_rng().permutation(len(items))
        for start in range(0, len(items), BATCH):
            yield items.take(np.sort(order[start : start + BATCH]))

    signature = tf.TensorSpec((None, *items.shape), tf.float32)
    yield from tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2)


def _grain(source: Any, load: Callable[[Any], Any], threads: int) -> Iterator[Any]:
    import grain

    data = grain.MapDataset.source(source).shuffle(seed=0).map(load).batch(BATCH)
    yield from data.to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2))


if __name__ == "__main__":
    main()
