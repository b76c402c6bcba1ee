"""Throughput of the session alone, without HTTP, codecs and queue.

It has the options and the threads that the service's has.
"""

import io
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image

from benchmarks.environments import Unavailable, call, prepare
from benchmarks.photographs.peers import FFDNET
from benchmarks.photographs.pictures import SIGMA, Pixels
from service.cpus import usable_cpus
from service.errors import StartupError
from service.inference.device import Execution
from service.inference.loader import load, newest
from service.inference.pixels import to_floats
from service.inference.tiling.canvas import Canvas
from service.inference.tiling.layout import CORE, Tile
from service.settings import Settings


@dataclass(frozen=True, eq=False)
class Ran:
    """Tiles that ran: megapixels of what is kept of them a second; output: right where they lie."""

    speed: float
    tiles: list[Tile]
    output: Pixels

    def check(self, file: bytes) -> None:
        """Raise Unavailable unless a PNG of 8 bits holds the same, within one grey level."""
        received = np.asarray(Image.open(io.BytesIO(file)))
        if received.shape != self.output.shape:
            raise Unavailable(f"expected a picture {self.output.shape}, received {received.shape}")
        for rows, columns in self.tiles:
            kept = rows.kept, columns.kept
            error = np.abs(received[kept].astype(np.int16) - self.output[kept]).max()
            if error > 1:
                raise Unavailable(
                    f"expected the model's output within a grey level, received {error} off"
                )


class Alone:
    """The denoiser of photographs in this process."""

    def __init__(self, models: Path, name: str, execution: Execution | None = None) -> None:
        """execution: on the CPU as the service by default.

        Raises Unavailable where there is no such model, or it takes no photographs.
        """
        execution = execution or Settings(device="cpu").execution
        try:
            self._model = load(newest(models)[name], execution=execution)
            self._session = self._model.batchers["denoise"].session
        except (KeyError, StartupError) as error:
            raise Unavailable(f"{models}: expected the model {name}: {error}") from error
        if self._session.tiling is None or self._model.manifest.pixels is None:
            raise Unavailable(f"{name}: expected a model that takes photographs of any size")
        self._tiling = self._session.tiling
        self._pixels = self._model.manifest.pixels

    def in_tiles(self, pixels: Pixels, most: int | None = None, *, core: int = CORE) -> "Ran":
        """Run a picture in the tiles that the service makes; only the session's time is counted.

        Args:
            pixels: The picture, uint8 (height, width, 3).
            most: Number of tiles to run, evenly chosen; all by default.
            core: Side of a tile without its halo, in pixels; the service's by default.
        """
        canvas = Canvas(pixels, self._pixels, self._tiling)
        height, width = pixels.shape[:2]
        tiles = self._tiling.cut(height, width, core=core)
        if most is not None and most < len(tiles):
            tiles = [tiles[place] for place in np.linspace(0, len(tiles) - 1, most).astype(int)]
        seconds = 0.0
        for tile in tiles:
            inputs = canvas.take(tile)
            began = time.perf_counter()
            outputs = self._session.run(inputs)
            seconds += time.perf_counter() - began
            canvas.put(tile, inputs, outputs)
        return Ran(sum(tile.pixels for tile in tiles) / seconds / 1e6, tiles, canvas.result)

    def whole(self, pixels: Pixels) -> float:
        """Return megapixels a second of the picture in one run, but for a few rows and columns."""
        stride = self._tiling.stride
        height, width = (side - side % stride for side in pixels.shape[:2])
        inputs = to_floats(pixels[None, :height, :width], self._pixels)
        began = time.perf_counter()
        self._session.run(inputs)
        seconds = time.perf_counter() - began
        return float(height * width / seconds / 1e6)


class Ffdnet:
    """FFDNet with weights at random, in this process."""

    def __init__(self, programs: Path | None = None) -> None:
        """programs: of the environment that has onnx. Raises Unavailable where there is none."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = Settings().threads or usable_cpus()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        python = (programs or prepare(FFDNET)) / "python"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ffdnet.onnx"
            call([str(python), str(FFDNET.folder / "graph.py"), str(path)])
            self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def whole(self, pixels: Pixels) -> float:
        """Return megapixels a second of the picture in one run, but for an odd row or column."""
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        planes = pixels[:height, :width].transpose(2, 0, 1)[None] / np.float32(255)
        sigma = np.full((1, 1, height // 2, width // 2), SIGMA / 255, np.float32)
        feed = {"images": np.ascontiguousarray(planes, np.float32), "sigma": sigma}
        began = time.perf_counter()
        self._session.run(None, feed)
        seconds = time.perf_counter() - began
        return float(height * width / seconds / 1e6)
