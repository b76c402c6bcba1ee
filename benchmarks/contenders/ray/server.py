"""Ray Serve: opportunistic batching, HAProxy before one replica, its throughput settings."""

import sys

import numpy as np
import orjson
import ray
from denoiser import Denoiser
from ray import serve
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=1024,
    logging_config={"enable_access_log": False, "log_level": "WARNING"},
)
class Service:
    """{"inputs": nested lists} -> {"outputs": nested lists}."""

    def __init__(self) -> None:
        self.denoiser = Denoiser()

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0)
    async def denoise(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        outputs = self.denoiser(np.concatenate(inputs))
        return np.split(outputs, np.cumsum([len(each) for each in inputs])[:-1])

    async def __call__(self, request: Request) -> Response:
        images = np.array(orjson.loads(await request.body())["inputs"], np.float32)
        output = await self.denoise(images)
        body = orjson.dumps({"outputs": output}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, media_type="application/json")


if __name__ == "__main__":
    ray.init(include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Service.bind(), route_prefix="/denoise", blocking=True)
