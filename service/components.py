"""The components of a service, as its settings say: models, limits, admission, tracing, jobs."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from service.access.allowance import Allowance
from service.access.keyring import Keyring
from service.access.origins import ANY
from service.api import estimate, operations
from service.api.codecs import photographs
from service.api.cors import Cors
from service.api.gate import Gate
from service.api.jobs.document import described
from service.api.jobs.replay import Replay
from service.api.openapi_operations import OPERATIONS
from service.api.quota_middleware import QuotaMiddleware
from service.api.routing import Limits, Serving
from service.errors import ServiceError, StartupError
from service.inference import trial
from service.inference.admission import Admission
from service.inference.device import CUDA
from service.inference.loader import load
from service.inference.model import LoadedModel
from service.inference.registry import Defaults, ModelRegistry
from service.jobs.backend import Backend, open_folder, open_redis
from service.jobs.jobs import Jobs, Options
from service.jobs.progress import JobAdmission
from service.manifest import OperationName
from service.setting_names import named, variable
from service.settings import Settings
from service.telemetry.exporter import Collect, Exporter
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.quota.rate_limiter import RateLimiter
    from service.telemetry.otlp_logs import ExportedLogs
    from service.telemetry.tracing import Tracer

DEFAULTS: Mapping[str, OperationName] = {
    "default_encode": "encode",
    "default_decode": "decode",
    "default_denoise": "denoise",
    "default_picture": "denoise",
}
"""The operation of which each setting names the default model; some decide of others, too."""

NO_TIMEOUT = 1e8
"""Seconds that a job may take: years, as no client waits for it."""


def loader(settings: Settings, metrics: Metrics) -> Callable[[Path], LoadedModel]:
    """Return a function that loads the model of a folder and warms it up."""
    execution = settings.execution

    def load_warm(folder: Path) -> LoadedModel:
        nonlocal execution
        model = load(folder, execution=execution, max_batch=settings.max_batch, observe=metrics.ran)
        if execution.device == "auto" and model.provider != CUDA:
            execution = replace(execution, device="cpu")  # do not try CUDA again for the next model
        # CUDA prepares each batch size by itself; the CPU only allocates memory.
        try:
            model.warm_up(settings.max_batch if model.provider == CUDA else 1)
        except Exception as error:
            raise StartupError(f"{folder}: expected graphs that run, received: {error}") from error
        return model

    return load_warm


def try_out(settings: Settings) -> Callable[[Path], None] | None:
    """Return a function that raises for a model that takes too much, None where none is tried."""
    if not settings.load_seconds:
        return None
    return partial(trial.try_out, seconds=settings.load_seconds, memory=settings.load_memory_bytes)


def check_defaults(registry: ModelRegistry, settings: Settings) -> None:
    """Raise StartupError where a default that is set is not served; built-in ones need not be."""
    for setting, operation in DEFAULTS.items():
        name = getattr(settings, setting)
        if name and setting in settings.model_fields_set:
            try:
                registry.get_for(operation, name)
            except ServiceError as error:
                raise StartupError(f"{named(setting)}: {error}") from error


def serving(
    settings: Settings, registry: ModelRegistry, metrics: Metrics, tracer: "Tracer | None"
) -> Serving:
    """Return what every request needs."""
    return Serving(
        registry,
        admission(settings),
        metrics,
        Limits(
            body_bytes=settings.max_body_bytes,
            output_bytes=settings.max_output_bytes,
            pixels=settings.max_pixels,
            steps=settings.max_steps,
            photographs=settings.max_photographs,
            policy=settings.policy,
        ),
        settings.timeout,
        tracer,
        settings.cors_origins,
    )


def keyring(settings: Settings) -> Keyring | None:
    """Return the API keys, None where anybody may come in."""
    if not settings.has_keys:
        if ANY in settings.cors_origins:
            raise StartupError(
                f"{named('cors_origins')}: expected origins by name, as without API keys "
                f"({variable('api_keys_file')}) any web page could use the service, received {ANY}"
            )
        return None
    names = named("api_keys_file"), named("api_keys")
    return Keyring(settings.api_keys_file, settings.api_keys, names=names)


def limiter(settings: Settings, metrics: Metrics, shared: Path | None) -> "RateLimiter | None":
    """Return the quotas, None where nobody can have one.

    Args:
        settings: The settings.
        metrics: Counts failures.
        shared: A folder that the workers of one service share, None for a single worker.

    Raises:
        StartupError: As RateLimiter raises it.
    """
    if not settings.has_quotas:
        return None
    from service.quota.rate_limiter import RateLimiter

    limiter = RateLimiter(
        str(shared / "quotas.sqlite3") if shared else "", settings.rate_url, named("rate_url")
    )
    limiter.failed = metrics.quota_store_failed
    return limiter


def guarded(
    app: ASGIApp,
    settings: Settings,
    keyring: Keyring | None,
    limiter: "RateLimiter | None",
    serving: Serving,
) -> ASGIApp:
    """Return an application behind what lets requests in: the fewer settings, the fewer layers."""
    if limiter:
        default = Allowance(settings.rate_requests, settings.rate_megapixels)
        app = QuotaMiddleware(app, limiter, default, serving)
    if keyring:
        app = Gate(app, keyring, serving)
    if settings.cors_origins:
        app = Cors(app, settings.cors_origins)
    return app


def admission(settings: Settings) -> Admission:
    """Return an admission that has admitted nothing."""
    return Admission(
        max_items=settings.max_queue_items,
        max_bytes=settings.max_queue_bytes,
        max_pixels=settings.max_queue_pixels,
        # The other half of the time is a margin: waits are estimates.
        patience=settings.timeout / 2,
        patience_named=f"half of {variable('timeout')}",
        settings=(
            variable("max_queue_items"),
            variable("max_queue_bytes"),
            variable("max_queue_pixels"),
        ),
    )


def tracer(settings: Settings) -> "Tracer | None":
    """Return what traces requests, if they are. Raises StartupError without the extra `otel`."""
    if not settings.traces:
        return None
    with _needs_otel("traces"):
        from service.telemetry import tracing

        return tracing.create(settings.trace_parents)


def propagation(settings: Settings) -> Callable[[], Mapping[str, str]]:
    """Return what gives the headers of the present trace, none where nothing is traced."""
    if not settings.traces:
        return dict
    with _needs_otel("traces"):
        from service.telemetry.tracing import propagated

        return propagated


def exporters(
    settings: Settings, metrics: Metrics, further: Callable[[Collect], Exporter] | None
) -> list[Exporter]:
    """Return what exports metrics.

    Args:
        settings: Say whether they are exported by OTLP.
        metrics: The metrics.
        further: Returns another exporter; None for none.

    Raises:
        StartupError: The extra `otel` is missing.
    """
    found = [further(metrics.collect)] if further else []
    if settings.otlp_metrics:
        with _needs_otel("otlp_metrics"):
            from service.telemetry.otlp_metrics import ExportedMetrics

            found.append(ExportedMetrics(metrics.collect))
    return found


def exported_logs(settings: Settings) -> "ExportedLogs | None":
    """Return what exports logs, if they are. Raises StartupError without the extra `otel`."""
    if not settings.otlp_logs:
        return None
    with _needs_otel("otlp_logs", " and opentelemetry-instrumentation-logging"):
        from service.telemetry.otlp_logs import ExportedLogs

        return ExportedLogs()


@contextlib.contextmanager
def _needs_otel(setting: str, further: str = "") -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise StartupError(
            f"{named(setting)}: expected the extra [otel] to be installed, received: {error}; "
            f"install opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http{further}, "
            "or turn them off"
        ) from error


def endpoints(settings: Settings, serving: Serving) -> operations.Endpoints:
    """Return the endpoints of the operations."""
    defaults = Defaults(settings.defaults, settings.default_picture)
    of_photographs: dict[OperationName, operations.CodecOf] = {
        "denoise": photographs.codecs(serving.limits),
        "estimate": estimate.codecs(serving.limits),
    }
    return {
        operation: operations.Operation(operation, serving, defaults, of_photographs)
        for operation in OPERATIONS
    }


def jobs_backend(settings: Settings) -> Backend | None:
    """Return what stores jobs, None where they are off."""
    if settings.jobs_url and settings.jobs_dir:
        raise StartupError(
            f"{named('jobs_dir')}, {named('jobs_url')}: expected one of them, received both"
        )
    if settings.jobs_url:
        return open_redis(settings.jobs_url, settings.jobs_keep_seconds, named("jobs_url"))
    if not settings.jobs_dir:
        return None
    try:
        return open_folder(Path(settings.jobs_dir))
    except OSError as error:
        raise StartupError(
            f"{named('jobs_dir')}: expected a folder that can be written, received: {error}"
        ) from error


def stored_jobs(settings: Settings, serving: Serving, backend: Backend) -> Jobs:
    """Return the jobs: their endpoints have no time limit, and an admission of their own."""
    unhurried = JobAdmission(serving.admission)
    of_jobs = endpoints(settings, replace(serving, admission=unhurried, timeout=NO_TIMEOUT))
    options = Options(
        settings.jobs_max,
        settings.jobs_max_bytes,
        settings.jobs_keep_seconds,
        settings.jobs_concurrency,
        settings.jobs_callback_hosts,
        (variable("jobs_max"), variable("jobs_max_bytes"), variable("jobs_callback_hosts")),
        settings.root_path,
    )
    return Jobs(backend, options, lambda stored: Replay(stored, of_jobs, unhurried), described)
