"""Who is compared: one folder each, with its program and what it requires."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.dialects import JSON, NPY, OPEN_BINARY, OPEN_JSON, Dialect

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


@dataclass(frozen=True)
class Contender:
    """A program that serves the denoiser.

    package: whose version is shown. command: words; {bin} is the folder of its environment's
    programs, {port} and {port2} are free ports; the variable IMAGES says how many images a request
    will bring. bodies: path and dialect, by what --body calls them. python: the interpreter that it
    needs, where not any will do. project: the environment of a program that has no folder.
    """

    name: str
    title: str
    package: str
    command: str
    bodies: Mapping[str, tuple[str, Dialect]]
    variables: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    project: str = "service-cpu"

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def environment(self) -> Path:
        """The virtual environment, one of the project's own for the service."""
        name = f"bench-{self.name}" if self.folder.is_dir() else self.project
        return ROOT / ".venv" / name


BARE = Contender(
    "bare",
    "Bare limit: uvicorn",
    "uvicorn",
    "{bin}/python server.py {port}",
    {"json": ("/", JSON), "npy": ("/", NPY)},
)
SERVICE = Contender(
    "service",
    "This service",
    "",
    "{bin}/python -m service serve --host 127.0.0.1 --port {port} --device cpu --log-level warning",
    {
        "json": ("/denoise?model=denoising-dropout", JSON),
        "npy": ("/denoise?model=denoising-dropout", NPY),
    },
)
ON_OPENVINO = replace(
    SERVICE,
    title="This service on OpenVINO",
    command=SERVICE.command.replace("--device cpu", "--device openvino"),
    project="service-openvino",
)
CONTENDERS = {
    each.name: each
    for each in (
        BARE,
        SERVICE,
        Contender(
            "naive",
            "First try: FastAPI",
            "fastapi",
            "{bin}/python server.py {port}",
            {"json": ("/denoise", JSON)},
        ),
        Contender(
            "ray",
            "Ray Serve",
            "ray",
            "{bin}/python server.py {port}",
            {"json": ("/denoise", JSON)},
            {
                "RAY_SERVE_ENABLE_HA_PROXY": "1",
                "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
                "RAY_worker_niceness": "0",
                "RAY_USAGE_STATS_ENABLED": "0",
            },
        ),
        Contender(
            "triton",
            "Triton: PyTriton",
            "nvidia-pytriton",
            "{bin}/python server.py {port}",
            {
                "json": ("/v2/models/denoiser/infer", OPEN_JSON),
                "npy": ("/v2/models/denoiser/infer", OPEN_BINARY),
            },
            python="/usr/bin/python3.11",
        ),
        Contender(
            "mlserver",
            "MLServer",
            "mlserver",
            "env MLSERVER_HTTP_PORT={port} MLSERVER_GRPC_PORT={port2} {bin}/mlserver start .",
            {"json": ("/v2/models/denoiser/infer", OPEN_JSON)},
        ),
        Contender(
            "litserve",
            "LitServe",
            "litserve",
            "{bin}/python server.py {port}",
            {"json": ("/denoise", JSON)},
        ),
        Contender(
            "bentoml",
            "BentoML",
            "bentoml",
            "{bin}/bentoml serve service:Service --host 127.0.0.1 --port {port}",
            {"json": ("/denoise", JSON)},
            {"BENTOML_DO_NOT_TRACK": "True"},
        ),
    )
}
