"""The client: the service's operations from Python, with httpx and numpy alone.

from service.client import Client

with Client() as client:
    client.denoise("photo.jpg", sigma=20).save("clean.jpg")
"""

from service.client import errors
from service.client.async_client import AsyncClient
from service.client.client import Client
from service.client.errors import ServiceError
from service.client.job import AsyncJob, Job
from service.client.job_status import JobStatus
from service.client.results import Estimate, Model, Neighbours, Noise, Result, Scores

__all__ = [
    "AsyncClient",
    "AsyncJob",
    "Client",
    "Estimate",
    "Job",
    "JobStatus",
    "Model",
    "Neighbours",
    "Noise",
    "Result",
    "Scores",
    "ServiceError",
    "errors",
]
