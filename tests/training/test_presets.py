"""The presets of Fashion-MNIST stay as they were when the shipped models were trained."""

import hashlib

import keras
import pytest

from training.fashion.recipes import RECIPES

STACKED = "a82e6f4dc178aaa600930ae5b75e1104e1bd2becb54fa1a40daf746cabcda7b1"
DIGESTS = {
    "stacked": STACKED,
    "stacked-layerwise": STACKED,
    "convolutional": "7ed172336c4f4f8abbea1ce4284c8de41aa091462a38deca5272752bb1745cfe",
    "recurrent": "dc84887308a64666326924c92841378fc249ba11a866a00b9a7aff7c134bad1a",
    "denoising-dropout": "e521a4c71d23b7ecab64c10bc37b0f53944a2a81d6322a64d6ab1189e7df3ebf",
    "denoising-gaussian": "21d9fbb71f0930c78481104a031aeb956f6cfa861b400ba7de13707d1033e9a9",
    "denoising-convolutional": "b3456fa52a90e9fb5e0b93d7f06db96630a3e73ab4f9fa9fcbd86a0f765f8df0",
    "sparse-l1": "b8560a8b217d00f17f828c726ee84c69f4b78cf267224be82b402df6842f9896",
    "sparse-kl": "60719ab4ad143ca68004c020bbbb84376952eefb73e167e73db9577c3aac88fc",
}
"""SHA-256 of the JSON of each model of seed 42, as Keras 3.15 writes it."""


@pytest.mark.skipif(
    not keras.__version__.startswith("3.15."), reason="another Keras may write other JSON"
)
@pytest.mark.parametrize("name", RECIPES)
def test_a_preset_is_what_its_model_was_trained_as(name: str) -> None:
    keras.utils.clear_session()  # layers are numbered from 1
    text = RECIPES[name].build(42).whole.to_json()
    assert hashlib.sha256(text.encode()).hexdigest() == DIGESTS[name]
