"""Jobs through either client, against the real service."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.client import Estimate, JobStatus, Result, errors

GRAY = (np.arange(16, dtype=np.uint8) * 16).reshape(4, 4)


def test_a_job_returns_what_its_operation_does(client: Any, example: Path) -> None:
    options = {"sigma": 20, "strength": 0.5, "format": "png"}
    job = client.submit(example, **options)
    seen: list[JobStatus] = []
    last = job.wait(seen.append)
    assert last == seen[-1] == job.status
    assert (last.state, last.operation, last.share) == ("succeeded", "denoise", 1.0)
    assert last.megapixels_done == last.megapixels_total == pytest.approx(0.122_88)
    assert last.created
    assert last.expires
    assert last.created < last.expires
    result, direct = job.result(), client.denoise(example, **options)
    assert result.content == direct.content
    assert (result.media_type, result.model, result.sigma) == ("image/png", "informed", (20.0,))
    again = client.job(job.id)
    assert again.status.is_finished
    assert again.result().content == result.content
    job.cancel()
    with pytest.raises(errors.JobNotFound):
        client.job(job.id)
    job.cancel()


def test_jobs_do_every_operation_on_arrays(client: Any, example: Path) -> None:
    jobs = {
        "denoise": client.submit(np.stack([GRAY] * 3)[..., np.newaxis].repeat(3, axis=3)[0]),
        "encode": client.submit(GRAY, "encode", model="half"),
        "estimate": client.submit(example, "estimate"),
    }
    results = {operation: job.result(timeout=30) for operation, job in jobs.items()}
    assert results["denoise"].array().shape == (4, 4, 3)  # the axis that was not sent
    codings = results["encode"]
    assert isinstance(codings, Result)
    assert isinstance(results["estimate"], Estimate)
    decoded = client.submit(codings, "decode", model="half").result()
    np.testing.assert_allclose(decoded.array(), GRAY[np.newaxis] / np.float32(255))


def test_what_a_job_cannot_do_is_told_when_it_can_be(client: Any) -> None:
    with pytest.raises(errors.ModelNotFound):
        client.submit(GRAY, model="none")
    with pytest.raises(errors.Forbidden, match="callback"):
        client.submit(GRAY, callback="http://127.0.0.1:1/hook")
    broken = client.submit(io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(100)))
    with pytest.raises(errors.MalformedBody):
        broken.result()
    assert broken.status.state == "failed"
    assert isinstance(broken.status.error, errors.MalformedBody)
