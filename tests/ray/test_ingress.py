"""What the service does to requests that Ray's servers hand to it."""

import asyncio
import contextlib
from pathlib import Path

from service.app import create_app
from service.ray.ingress import ingress
from service.settings import Settings
from tests.ray.conftest import SETTINGS
from tests.service.asgi import AS_JSON, Caller


async def test_a_request_that_ray_cancels_has_lost_its_client(tiny_models: Path) -> None:
    settings = Settings(**SETTINGS, models=tiny_models, jobs_dir="")
    app = ingress(create_app(settings), settings)
    caller = Caller(app, "POST", "/encode?model=half", None, AS_JSON)
    await asyncio.sleep(0)
    caller.task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await caller.task
    assert caller.sent == []
    metrics = await Caller(app, "GET", "/metrics").text()
    counted = [each for each in metrics.splitlines() if "requests_total{" in each]
    assert counted == [
        'autoencoder_requests_total{model="half",operation="encode",status="499"} 1.0'
    ]
