"""The program that one would write first: FastAPI, pydantic models, a function, .tolist()."""

import sys

import numpy as np
import uvicorn
from denoiser import Denoiser
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
denoise = Denoiser()


class Inputs(BaseModel):
    """A request."""

    inputs: list[list[list[float]]]


class Outputs(BaseModel):
    """An answer."""

    outputs: list[list[list[float]]]


@app.post("/denoise")
def answer(body: Inputs) -> Outputs:
    """Restore images with dead pixels."""
    images = np.array(body.inputs, dtype=np.float32)
    return Outputs(outputs=denoise(images).tolist())


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
