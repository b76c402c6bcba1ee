"""Settings: environment variables SERVICE_*, overridden by flags of the command line."""

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.access.allowance import MOST
from service.access.networks import networks_of
from service.access.origins import origins_of
from service.images.formats import BY_NAME, NAMES, Name, Policy, is_installed
from service.images.unread import why_missing
from service.manifest import OperationName
from service.setting_names import PREFIX
from service.setting_values import names_of, or_none, path_of

if TYPE_CHECKING:
    from service.inference.device import Execution

# An installed package has the models inside, a clone and the image have them beside it.
_INSIDE = Path(__file__).parent / "models"
SHIPPED_MODELS = _INSIDE if _INSIDE.is_dir() else Path(__file__).parents[1] / "models"


class Settings(BaseSettings):
    """The settings of one service; immutable while it runs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535, description="port to listen on; 0 picks a free one")
    ] = 8000
    models: Annotated[Path, Field(description="folder of models, <name>/<version>/ each")] = (
        SHIPPED_MODELS
    )
    device: Annotated[
        Literal["auto", "cuda", "openvino", "cpu"],
        Field(
            description="auto uses CUDA if it runs, else the CPU; cuda and openvino fail at the "
            "start if they do not run"
        ),
    ] = "auto"
    default_encode: Annotated[
        str,
        Field(
            description="model of /encode, /reconstruct, /score and /neighbours if the request "
            "names none"
        ),
    ] = "stacked"
    default_decode: Annotated[
        str, Field(description="model of /decode if the request names none")
    ] = "stacked"
    default_denoise: Annotated[
        str, Field(description="model of /denoise if the request names none")
    ] = "denoising-dropout"
    default_picture: Annotated[
        str | None,
        Field(
            description="model of /denoise for pictures if the request names none; photo if not set"
        ),
    ] = None
    max_body_bytes: Annotated[
        int, Field(ge=1, description="largest request body, in bytes; a larger one gets a 413")
    ] = 160 * 1024 * 1024
    max_connections: Annotated[
        int,
        Field(
            ge=0,
            description="connections of each worker: those that wait make way for new ones, more "
            "get a 503; 0: any number",
        ),
    ] = 4096
    head_seconds: Annotated[
        float,
        Field(ge=0, description="seconds for the head of a request, or it gets a 408; 0: any time"),
    ] = 10.0
    min_rate: Annotated[
        int,
        Field(
            ge=0,
            description="bytes a second that a client must send of a body, or it gets a 408, and "
            "read of a response; 0: any",
        ),
    ] = 1000
    min_read_rate: Annotated[
        int,
        Field(
            ge=0,
            description="bytes a second behind which a client that reads a response may lag by ten "
            "minutes at most; 0: any",
        ),
    ] = 64_000
    max_output_bytes: Annotated[
        int, Field(ge=1, description="largest output, in bytes of float32; a larger one gets a 413")
    ] = 64 * 1024 * 1024
    max_pixels: Annotated[
        int,
        Field(
            ge=1,
            description="most pixels of a request's pictures, or of each that is answered in a "
            "zip; more get a 413",
        ),
    ] = 50_000_000
    max_photographs: Annotated[
        int,
        Field(
            ge=1,
            description="most photographs in a zip, or in a form that asks for one; more get a 413",
        ),
    ] = 1000
    formats: Annotated[
        tuple[Name, ...],
        NoDecode,
        BeforeValidator(names_of),
        Field(min_length=1, description="formats of pictures that are read; others get a 415"),
    ] = NAMES
    truncated: Annotated[
        Literal["refuse", "accept"],
        Field(
            description="whether a JPEG that ends early gets a 400, or is read as far as it goes, "
            "with a response header that says so"
        ),
    ] = "refuse"
    max_steps: Annotated[
        int, Field(ge=1, description="longest sequence, in steps, as input or output")
    ] = 4096
    max_batch: Annotated[
        int, Field(ge=1, le=4096, description="most items in a batch of several requests")
    ] = 64
    max_queue_items: Annotated[
        int, Field(ge=1, description="items in flight in each worker; more get a 429")
    ] = 1024
    max_queue_bytes: Annotated[
        int, Field(ge=1, description="bytes of bodies and outputs in flight; more get a 429")
    ] = 256 * 1024 * 1024
    max_queue_pixels: Annotated[
        int, Field(ge=1, description="pixels of photographs in flight; more get a 429")
    ] = 64_000_000
    timeout: Annotated[
        float,
        Field(
            gt=0,
            description="seconds from a request to its response, or it gets a 503; each tile of a "
            "photograph that is done restarts them",
        ),
    ] = 30.0
    threads: Annotated[
        int,
        Field(
            ge=0, description="threads of a session on the CPU; 0: one, or all CPUs for photographs"
        ),
    ] = 0
    workers: Annotated[
        int, Field(ge=1, le=256, description="processes that share the port; on GPUs, one each")
    ] = 1
    reload_seconds: Annotated[
        float,
        Field(ge=0, description="seconds between two looks at the folder of models; 0: never"),
    ] = 0.0
    load_seconds: Annotated[
        float,
        Field(
            ge=0,
            description="seconds that a model may take to load and warm up in a process of its "
            "own, before it replaces one that serves; 0: it is not tried there",
        ),
    ] = 60.0
    load_memory_bytes: Annotated[
        int, Field(ge=0, description="memory that it may take there, in bytes; 0: any")
    ] = 2 * 1024 * 1024 * 1024
    repository_control: Annotated[
        bool | Literal["auto"],
        Field(
            description="whether clients may load and unload models, or get a 403; auto: if the "
            "host is loopback, or there are API keys, which need the scope control"
        ),
    ] = "auto"
    api_keys_file: Annotated[
        Path | None,
        BeforeValidator(or_none),
        Field(
            description="file of API keys as `keys new` writes it, read again when it changes; "
            "without keys, anybody may come in"
        ),
    ] = None
    api_keys: Annotated[
        str, Field(description="further API keys: lines of such a file, separated by semicolons")
    ] = ""
    rate_requests: Annotated[
        int,
        Field(
            ge=0,
            le=MOST["requests-per-minute"],
            description="requests a minute of each API key, or address without keys; more get a "
            "429; 0: any number",
        ),
    ] = 0
    rate_megapixels: Annotated[
        int,
        Field(
            ge=0,
            le=MOST["megapixels-per-minute"],
            description="megapixels of photographs a minute of each, likewise",
        ),
    ] = 0
    rate_url: Annotated[
        str | None,
        BeforeValidator(or_none),
        Field(
            description="URL of a Redis for quotas that several instances share, redis://...; "
            "without, each instance has its own"
        ),
    ] = None
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(origins_of),
        Field(
            description="origins whose pages may read responses and change state, by commas; * for "
            "any, with API keys only"
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(networks_of),
        Field(
            description="addresses and networks of the proxies whose X-Forwarded-For and "
            "X-Forwarded-Proto are believed, by commas"
        ),
    ] = ()
    root_path: Annotated[
        str,
        BeforeValidator(path_of),
        Field(description="path under which a proxy serves the service; empty: a host of its own"),
    ] = ""
    cuda_device: Annotated[
        int, Field(ge=0, description="number of the GPU; the first of them with several workers")
    ] = 0
    cuda_tf32: Annotated[
        bool, Field(description="TF32 matrix products on CUDA: faster, less exact")
    ] = False
    cuda_graphs: Annotated[
        bool, Field(description="record and replay a CUDA graph for each batch size")
    ] = False
    cuda_conv_search: Annotated[
        Literal["exhaustive", "heuristic", "default"],
        Field(description="how cuDNN chooses its convolution algorithms"),
    ] = "heuristic"
    cuda_memory_bytes: Annotated[
        int, Field(ge=0, description="GPU memory limit of each session, in bytes; 0: none")
    ] = 0
    openvino_precision: Annotated[
        Literal["bf16", "f32"],
        Field(description="bfloat16 or float32 on OpenVINO; bf16 fails where a processor has none"),
    ] = "bf16"
    log_format: Annotated[
        Literal["text", "json"], Field(description="log lines as text, or as one JSON object each")
    ] = "text"
    trace_parents: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(networks_of),
        Field(
            description="addresses and networks of the callers whose traces go on in the service, "
            "by commas; for others, each request begins one"
        ),
    ] = ()
    drain_seconds: Annotated[
        float,
        Field(ge=0, description="seconds to go on serving, not ready, after SIGTERM"),
    ] = 0.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(str.lower),
        Field(description="least severe level that is logged"),
    ] = "info"
    jobs_dir: Annotated[
        str | None,
        Field(
            description="folder of jobs; if not set, one of the port in the user's state folder; "
            "empty: no jobs"
        ),
    ] = None
    jobs_url: Annotated[
        str | None,
        Field(description="URL of a Redis for jobs that several instances share, redis://..."),
    ] = None
    jobs_max: Annotated[
        int, Field(ge=1, le=100_000, description="most jobs, finished ones too; more get a 429")
    ] = 1000
    jobs_max_bytes: Annotated[
        int, Field(ge=1, description="bytes of the bodies and results of jobs; more get a 429")
    ] = 4 * 1024 * 1024 * 1024
    jobs_keep_seconds: Annotated[
        float,
        Field(gt=0, le=1e9, description="seconds for which a job is kept once it has finished"),
    ] = 24 * 3600.0
    jobs_concurrency: Annotated[
        int, Field(ge=1, le=64, description="jobs that each worker runs at a time")
    ] = 1
    jobs_callback_hosts: Annotated[
        str,
        Field(description="hosts, or host:port, that callbacks of jobs may go to; by commas"),
    ] = ""
    traces: Annotated[
        bool, Field(description="export OpenTelemetry traces, as the OTEL_* variables say")
    ] = False
    otlp_metrics: Annotated[
        bool, Field(description="export metrics by OTLP too, as the OTEL_* variables say")
    ] = False
    otlp_logs: Annotated[
        bool, Field(description="export log lines by OTLP too, as the OTEL_* variables say")
    ] = False
    shutdown_seconds: Annotated[
        int, Field(ge=0, description="seconds that requests in flight may take after that")
    ] = 30

    @property
    def execution(self) -> "Execution":
        """The device and its options."""
        from service.inference.device import Cuda, Execution
        from service.inference.openvino import OpenVino

        return Execution(
            self.device,
            self.threads,
            Cuda(
                self.cuda_device,
                tf32=self.cuda_tf32,
                conv_search=self.cuda_conv_search,
                memory_bytes=self.cuda_memory_bytes,
                graphs=self.cuda_graphs,
            ),
            OpenVino(self.openvino_precision),
        )

    @property
    def policy(self) -> Policy:
        """Which pictures are read."""
        return Policy(frozenset(self.formats), self.truncated == "accept")

    def formats_in_vain(self) -> list[str]:
        """Return why formats that are asked for by name cannot be read, a line each."""
        if "formats" not in self.model_fields_set:
            return []
        missing = (BY_NAME[name] for name in self.formats if not is_installed(name))
        return [f"SERVICE_FORMATS (--formats): {why_missing(each)}" for each in missing]

    @property
    def controls_repository(self) -> bool:
        """Whether clients may load and unload models."""
        if self.repository_control != "auto":
            return self.repository_control
        return self.is_loopback or self.has_keys

    @property
    def has_keys(self) -> bool:
        """Whether a request needs an API key."""
        return self.api_keys_file is not None or bool(self.api_keys.strip())

    @property
    def has_quotas(self) -> bool:
        """Whether callers may have quotas: all of them, or those whose API key says so."""
        return bool(self.rate_requests or self.rate_megapixels) or self.has_keys

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine reach the service."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name, which may stand for any address
            return False

    @property
    def defaults(self) -> dict[OperationName, str]:
        """The default model of each operation."""
        return {
            "encode": self.default_encode,
            "decode": self.default_decode,
            "denoise": self.default_denoise,
            "reconstruct": self.default_encode,
            "neighbours": self.default_encode,
        }
