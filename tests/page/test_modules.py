"""The page's modules, tested by the program beside this one; the service says what they must do."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.inference.tiling.canvas import Canvas
from service.inference.tiling.controls import Controls
from service.inference.tiling.layout import CORE, Tiling
from service.manifest import Pixels
from tests.page.conftest import PLAYGROUND
from training.scores import psnr, ssim

PIXELS = Pixels(mode="RGB", scale=255.0)
SHARES = ((1.0, 1.0), (0.5, 0.5), (0.3, 1.0), (1.0, 0.2), (0.0, 0.7), (0.0, 0.0))


def _blended(noisy: Any, clean: Any, luma: float, chroma: float) -> list[int]:
    """Return what the service makes of a noisy picture and what the model would return for it."""
    tiling = Tiling(8, 0, 8)
    canvas = Canvas(noisy, PIXELS, tiling, Controls(luma=luma, chroma=chroma))
    [tile] = tiling.cut(*canvas.size, core=CORE)
    canvas.put(tile, canvas.take(tile), (clean / np.float32(255))[None])
    return [int(each) for each in canvas.result.ravel()]


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_modules_do_what_their_tests_say(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noisy = random.integers(0, 256, (16, 24, 3), np.uint8)
    clean = np.clip(noisy + random.normal(0, 30, noisy.shape), 0, 255).astype(np.uint8)
    given = {
        "width": 24,
        "height": 16,
        "noisy": noisy.ravel().tolist(),
        "clean": clean.ravel().tolist(),
        "blends": [
            {"luma": luma, "chroma": chroma, "expected": _blended(noisy, clean, luma, chroma)}
            for luma, chroma in SHARES
        ],
        "psnr": psnr(clean[None], noisy[None]),
        "ssim": ssim(clean[None], noisy[None]),
    }
    (tmp_path / "given.json").write_text(json.dumps(given))
    page = shutil.copytree(PLAYGROUND, tmp_path / "page")
    (page / "package.json").write_text('{"type": "module"}')  # so that Node takes .js for modules
    program = Path(__file__).with_name("modules.test.mjs")
    result = subprocess.run(
        ["node", "--test", program],
        env=os.environ | {"PAGE": str(page), "GIVEN": str(tmp_path / "given.json")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
