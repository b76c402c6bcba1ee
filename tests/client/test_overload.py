"""Many uploads at once, more than the service admits: every one is answered in the end."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from service.client import AsyncClient, Client
from tests.service.running import running
from tests.service.tiny import FURTHER, TINY, write_model

UPLOADS = 6


@pytest.mark.slow
def test_uploads_that_are_refused_at_first_are_all_answered(tmp_path: Path, example: Path) -> None:
    for name in (*TINY, *FURTHER):
        write_model(tmp_path / "models", name)
    flags = ("--max-queue-items=4", "--default-picture=informed", "--jobs-dir=")
    with running(tmp_path / "models", *flags) as service:

        async def together() -> list[bytes]:
            async with AsyncClient(service.url) as client:
                results = await asyncio.gather(*(client.denoise(example) for _ in range(UPLOADS)))
                return [result.content for result in results]

        with Client(service.url) as client, ThreadPoolExecutor(UPLOADS) as pool:
            threads = [pool.submit(client.denoise, example) for _ in range(UPLOADS)]
            contents = asyncio.run(together())
            contents += [each.result().content for each in threads]
        metrics = httpx.get(f"{service.own_url}/metrics", trust_env=False).text
    assert len(contents) == 2 * UPLOADS
    assert len(set(contents)) == 1
    refused = re.search(r"^autoencoder_rejected_total (\S+)$", metrics, re.MULTILINE)
    assert refused
    assert float(refused[1]) > 0
