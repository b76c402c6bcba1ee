"""LitServe: batching, its fast queue, answers written with orjson; one worker, one API server."""

import sys

import litserve as ls
import numpy as np
import orjson
from denoiser import Denoiser
from fastapi import Response


class API(ls.LitAPI):
    """{"inputs": nested lists} -> {"outputs": nested lists}."""

    def setup(self, _):
        self.denoise = Denoiser()

    def decode_request(self, request):
        return np.array(request["inputs"], np.float32)

    def batch(self, inputs):
        self.sizes = [len(images) for images in inputs]
        return np.concatenate(inputs)

    def predict(self, images):
        return self.denoise(images)

    def unbatch(self, outputs):
        return np.split(outputs, np.cumsum(self.sizes)[:-1])

    def encode_response(self, output):
        body = orjson.dumps({"outputs": output}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, media_type="application/json")


if __name__ == "__main__":
    api = API(max_batch_size=64, batch_timeout=0.0001, api_path="/denoise")
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
