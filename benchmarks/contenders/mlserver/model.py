"""MLServer: a custom runtime with its numpy codec."""

from denoiser import Denoiser
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Model(MLModel):
    """One tensor to one tensor."""

    async def load(self) -> bool:
        self.denoise = Denoiser()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        images = NumpyCodec.decode_input(payload.inputs[0])
        output = NumpyCodec.encode_output("reconstructions", self.denoise(images))
        return InferenceResponse(model_name=self.name, outputs=[output])
