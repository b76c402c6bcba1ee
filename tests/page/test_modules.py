"""The page's modules, tested by the program beside this one; the service says what they must do."""

import base64
import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.images import decode
from service.images.formats import default_for
from service.inference.tiling.canvas import Canvas
from service.inference.tiling.controls import Controls
from service.inference.tiling.layout import CORE, Tiling
from service.manifest import Pixels
from tests.page.conftest import PLAYGROUND
from training.scores import psnr, ssim

PIXELS = Pixels(mode="RGB", scale=255.0)
FILES = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "BMP", "GIF", "JPEG2000")
SHARES = ((1.0, 1.0), (0.5, 0.5), (0.3, 1.0), (1.0, 0.2), (0.0, 0.7), (0.0, 0.0))


def _blended(noisy: Any, clean: Any, luma: float, chroma: float) -> list[int]:
    """Return what the service makes of a noisy picture and what the model would return for it."""
    tiling = Tiling(8, 0, 8)
    canvas = Canvas(noisy, PIXELS, tiling, Controls(luma=luma, chroma=chroma))
    [tile] = tiling.cut(*canvas.size, core=CORE)
    canvas.put(tile, canvas.take(tile), (clean / np.float32(255))[None])
    return [int(each) for each in canvas.result.ravel()]


def _encoded(kind: str, **options: Any) -> str:
    content = io.BytesIO()
    Image.new("RGB", (64, 64)).save(content, kind, **options)
    return base64.b64encode(content.getvalue()).decode()


def _file(kind: str) -> dict[str, str]:
    """Return a file, under a name that does not tell, and what the service says of it."""
    content = _encoded(kind)
    media = decode.recognised(base64.b64decode(content))
    assert media is not None
    return {"base64": content, "name": kind, "type": media, "answered": default_for(media)}


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
        "files": [_file(kind) for kind in FILES],
        "comments": [_encoded("JPEG"), _encoded("JPEG", comment=b"by hand")],
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
