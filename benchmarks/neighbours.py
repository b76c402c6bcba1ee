"""How libraries find the nearest codings: python -m benchmarks.neighbours MODEL --models models.

The codings of Fashion-MNIST's training images are searched for those nearest to codings of test
images, by the service's exact search and by HNSW graphs of USearch and Faiss, where these are
installed. `--copies` adds codings that are moved by a tenth of the standard deviation. Times are
those of the processor, of one thread where OMP_NUM_THREADS is 1.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.loader import load, newest
from service.inference.neighbours.exact import Exact
from service.inference.pixels import Floats
from training.datasets import fashion_mnist
from training.fashion.evaluate import encode

K = 10
QUERIES = 500
BATCH = 64

Search = Callable[[Floats, int], NDArray[Any]]
"""(queries, k) -> numbers of the nearest codings, (queries, k)."""


def main() -> None:
    """Print a line of Markdown for each library."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--only", default="", help="searches whose names begin so, and the exact")
    options = parser.parse_args()
    data = fashion_mnist.load(options.data)
    model = load(newest(options.models)[options.model])
    images = np.concatenate([data.train, data.validation])
    known = _copied(_flat(encode(model, images)), options.copies)
    queries = _flat(encode(model, data.test[:QUERIES]))
    print(f"{options.model}: {len(known):,} codings of {known.shape[1]} numbers")
    print("| search | built, s | on disk, MB | one query, ms | 64 queries, ms | recall@10 |")
    print("|---|---|---|---|---|---|")
    right = None
    for name, search, built, size in _libraries(known, options.only):
        found = np.concatenate(
            [search(queries[start : start + BATCH], K) for start in range(0, QUERIES, BATCH)]
        )
        right = found if right is None else right
        hits = [len(np.intersect1d(*pair)) for pair in zip(found, right, strict=True)]
        one = [_seconds(search, queries[each : each + 1]) for each in range(0, QUERIES, 5)]
        many = [_seconds(search, queries[start : start + BATCH]) for start in range(0, 320, BATCH)]
        cells = (built, size / 1e6, 1000 * np.median(one), 1000 * np.median(many))
        figures = " | ".join(f"{cell:.2f}" for cell in cells)
        print(f"| {name} | {figures} | {np.mean(hits) / K:.4f} |", flush=True)


def _libraries(known: Floats, only: str) -> Iterator[tuple[str, Search, float, int]]:
    """Yield the name of each, its search, how long it was built, and its bytes on disk."""
    begun = time.process_time()
    exact = Exact(known, "euclidean")
    built = time.process_time() - begun
    yield "exact, numpy", lambda one, k: exact.nearest(one, k).numbers, built, known.nbytes
    if find_spec("usearch"):
        yield from _usearch(known, only)
    if find_spec("faiss"):
        yield from _faiss(known, only)


def _usearch(known: Floats, only: str) -> Iterator[tuple[str, Search, float, int]]:
    from usearch.index import Index

    for kind, width in (("f32", 64), ("f32", 256), ("f16", 64)):
        name = f"HNSW, USearch, {kind}, expansion {width}"
        if not name.startswith(only):
            continue
        begun = time.process_time()
        index = Index(ndim=known.shape[1], metric="l2sq", dtype=kind, expansion_search=width)
        index.add(np.arange(len(known)), known, threads=1)
        built = time.process_time() - begun
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index.usearch"
            index.save(str(path))
            size = path.stat().st_size

        def search(one: Floats, k: int, index: Any = index) -> NDArray[Any]:
            found: NDArray[Any] = index.search(one, k, threads=1).keys
            return found.reshape(len(one), k)

        yield name, search, built, size


def _faiss(known: Floats, only: str) -> Iterator[tuple[str, Search, float, int]]:
    import faiss

    faiss.omp_set_num_threads(1)
    for name, index in (
        ("exact, Faiss", faiss.IndexFlatL2(known.shape[1])),
        ("HNSW, Faiss, 32, 64", faiss.IndexHNSWFlat(known.shape[1], 32)),
    ):
        if not name.startswith(only):
            continue
        begun = time.process_time()
        index.add(known)
        built = time.process_time() - begun
        if name.startswith("HNSW"):
            index.hnsw.efSearch = 64
        size = len(faiss.serialize_index(index))

        def search(one: Floats, k: int, index: Any = index) -> NDArray[Any]:
            found: NDArray[Any] = index.search(one, k)[1]
            return found

        yield name, search, built, size


def _copied(codings: Floats, copies: int) -> Floats:
    random = np.random.default_rng(0)
    spread = 0.1 * codings.std(axis=0)
    more = [
        codings + (spread * random.standard_normal(codings.shape)).astype(np.float32)
        for _ in range(copies - 1)
    ]
    return np.concatenate([codings, *more])


def _seconds(search: Search, queries: Floats) -> float:
    begun = time.process_time()
    search(queries, K)
    return time.process_time() - begun


def _flat(codings: Floats) -> Floats:
    return codings.reshape(len(codings), -1)


if __name__ == "__main__":
    main()
