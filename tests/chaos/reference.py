"""Right answers, by ONNX Runtime alone: nothing of the service computes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from tests.chaos.questions import Array

STRIDE = 8
"""Photographs whose sides are multiples of it need no edges."""


class Reference:
    """The graphs of a folder of models."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._sessions: dict[tuple[str, str], Any] = {}

    def run(self, model: str, operation: str, array: Array, **further: Array) -> Array:
        """Return what an operation of version 1 of a model makes of an array."""
        session, described = self._session(model, operation)
        inputs = {described["input"]["name"]: array.astype(np.float32)}
        return np.asarray(session.run(None, inputs | further)[0])

    def denoised(self, pixels: Array, sigma: float) -> Array:
        """Return a photograph (height, width, 3) without its noise, as 8-bit pixels."""
        assert not pixels.shape[0] % STRIDE
        assert not pixels.shape[1] % STRIDE
        levels = np.array([sigma], np.float32)
        clean = self.run("photo", "denoise", pixels[np.newaxis] / np.float32(255), sigma=levels)
        return np.asarray((clean[0].clip(0, 1) * 255).round().astype(np.uint8))

    def _session(self, model: str, operation: str) -> Any:
        key = model, operation
        if key not in self._sessions:
            folder = self._models / model / "1"
            described = json.loads((folder / "manifest.json").read_text())["operations"][operation]
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(
                folder / described["file"], options, providers=["CPUExecutionProvider"]
            )
            self._sessions[key] = session, described
        return self._sessions[key]
