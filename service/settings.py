"""Everything an operator can set, from the environment (SERVICE_*) or the command line."""

import difflib
import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.manifest import OperationName

if TYPE_CHECKING:
    from service.inference.device import Execution

PREFIX = "SERVICE_"
# An installed package has the models inside, a clone and the image have them beside it.
_INSIDE = Path(__file__).parent / "models"
SHIPPED_MODELS = _INSIDE if _INSIDE.is_dir() else Path(__file__).parents[1] / "models"


class Settings(BaseSettings):
    """The settings of one service; immutable, so that nothing changes while it runs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535, description="port to listen on; 0 picks a free one")
    ] = 8000
    models: Annotated[Path, Field(description="folder of models, <name>/<version>/ each")] = (
        SHIPPED_MODELS
    )
    device: Annotated[
        Literal["auto", "cuda", "cpu"],
        Field(
            description="cuda fails at start where CUDA does not run; auto falls back to the CPU"
        ),
    ] = "auto"
    default_encode: Annotated[str, Field(description="model of /encode where none is named")] = (
        "stacked"
    )
    default_decode: Annotated[str, Field(description="model of /decode where none is named")] = (
        "stacked"
    )
    default_denoise: Annotated[str, Field(description="model of /denoise where none is named")] = (
        "denoising-dropout"
    )
    default_picture: Annotated[
        str | None,
        Field(
            description="model of /denoise where none is named and a picture is sent; where it is "
            "not set, photo"
        ),
    ] = None
    max_body_bytes: Annotated[
        int, Field(ge=1, description="largest request body, in bytes; a larger one is a 413")
    ] = 160 * 1024 * 1024
    max_output_bytes: Annotated[
        int, Field(ge=1, description="largest output, in bytes of float32; a larger one is a 413")
    ] = 64 * 1024 * 1024
    max_pixels: Annotated[
        int,
        Field(ge=1, description="most pixels of a request's pictures; more is a 413"),
    ] = 50_000_000
    max_steps: Annotated[
        int, Field(ge=1, description="longest sequence, in steps, taken or given back")
    ] = 4096
    max_batch: Annotated[
        int, Field(ge=1, le=4096, description="most items of several requests that run at once")
    ] = 64
    max_queue_items: Annotated[
        int, Field(ge=1, description="items admitted at once, in each worker; more are a 429")
    ] = 1024
    max_queue_bytes: Annotated[
        int, Field(ge=1, description="bytes of bodies and outputs admitted at once; more are a 429")
    ] = 256 * 1024 * 1024
    max_queue_pixels: Annotated[
        int, Field(ge=1, description="pixels of photographs admitted at once; more are a 429")
    ] = 64_000_000
    timeout: Annotated[
        float,
        Field(
            gt=0,
            description="seconds in which a request is answered, or it is a 503; they begin anew "
            "with each tile of a photograph that is done",
        ),
    ] = 30.0
    threads: Annotated[
        int,
        Field(ge=0, description="threads of one run on the CPU; 0 is one, or all for photographs"),
    ] = 0
    workers: Annotated[
        int, Field(ge=1, le=256, description="processes that share the port, or GPUs, one each")
    ] = 1
    reload_seconds: Annotated[
        float, Field(ge=0, description="how often the folder of models is looked at; 0 is never")
    ] = 0.0
    repository_control: Annotated[
        bool | Literal["auto"],
        Field(
            description="whether clients may load and unload models, or it is a 403; auto allows "
            "it where the host is loopback"
        ),
    ] = "auto"
    cuda_device: Annotated[
        int, Field(ge=0, description="number of the GPU; several workers take those from it on")
    ] = 0
    cuda_tf32: Annotated[
        bool, Field(description="products with inputs of 10 bits on CUDA: faster, less exact")
    ] = False
    cuda_graphs: Annotated[
        bool, Field(description="replay CUDA graphs, one for each size of a batch")
    ] = False
    cuda_conv_search: Annotated[
        Literal["exhaustive", "heuristic", "default"],
        Field(description="how cuDNN's convolutions are chosen"),
    ] = "heuristic"
    cuda_memory_bytes: Annotated[
        int, Field(ge=0, description="most memory of the GPU for each session; 0 is no limit")
    ] = 0
    log_format: Annotated[
        Literal["text", "json"], Field(description="log lines for people, or one JSON object each")
    ] = "text"
    drain_seconds: Annotated[
        float,
        Field(ge=0, description="how long to listen on, not ready, once told to stop"),
    ] = 0.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(str.lower),
        Field(description="least severe log line"),
    ] = "info"
    traces: Annotated[
        bool, Field(description="send OpenTelemetry traces to where the OTEL_* variables say")
    ] = False
    shutdown_seconds: Annotated[
        int, Field(ge=0, description="how long requests in flight may take when the service stops")
    ] = 30

    @property
    def execution(self) -> "Execution":
        """How sessions run."""
        from service.inference.device import Cuda, Execution

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
        )

    @property
    def controls_repository(self) -> bool:
        """Whether clients may load and unload models."""
        if self.repository_control != "auto":
            return self.repository_control
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name, which may stand for any address
            return False

    @property
    def defaults(self) -> dict[OperationName, str]:
        """The model of each operation where none is named."""
        return {
            "encode": self.default_encode,
            "decode": self.default_decode,
            "denoise": self.default_denoise,
        }


def variable(setting: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + setting.upper()


def flag(setting: str) -> str:
    """Return the flag of a setting on the command line."""
    return "--" + setting.replace("_", "-")


def named(setting: str) -> str:
    """Return a setting as errors name it, by both."""
    return f"{variable(setting)} ({flag(setting)})"


def unknown(environment: Iterable[str]) -> dict[str, list[str]]:
    """Return the variables that look like settings and are none, each with those most like it."""
    given = (name for name in environment if name.upper().startswith(PREFIX))
    settings = {name.upper(): variable(name) for name in Settings.model_fields}
    return {
        name: [settings[each] for each in difflib.get_close_matches(setting, settings)]
        for name in given
        if (setting := name.upper().removeprefix(PREFIX)) not in settings
    }
