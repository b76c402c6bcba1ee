"""Everything an operator can set, from the environment (SERVICE_*) or the command line."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.manifest import OperationName


class Settings(BaseSettings):
    """The settings of one service; immutable, so that nothing changes while it runs."""

    model_config = SettingsConfigDict(env_prefix="SERVICE_", frozen=True)

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535, description="port to listen on; 0 picks a free one")
    ] = 8000
    models: Annotated[Path, Field(description="folder of models, <name>/<version>/ each")] = Path(
        "models"
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
    max_body_bytes: Annotated[
        int, Field(ge=1, description="largest request body, in bytes; a larger one is a 413")
    ] = 64 * 1024 * 1024
    max_output_bytes: Annotated[
        int, Field(ge=1, description="largest output, in bytes of float32; a larger one is a 413")
    ] = 64 * 1024 * 1024
    max_pixels: Annotated[
        int,
        # Pillow refuses more by itself, as a bomb.
        Field(
            ge=1, le=170_000_000, description="most pixels of a request's pictures; more is a 413"
        ),
    ] = 50_000_000
    max_steps: Annotated[
        int, Field(ge=1, description="longest sequence, in steps, taken or given back")
    ] = 4096
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="least severe log line")
    ] = "info"
    shutdown_seconds: Annotated[
        int, Field(ge=0, description="how long requests in flight may take when the service stops")
    ] = 30

    @property
    def defaults(self) -> dict[OperationName, str]:
        """The model of each operation where none is named."""
        return {
            "encode": self.default_encode,
            "decode": self.default_decode,
            "denoise": self.default_denoise,
        }
