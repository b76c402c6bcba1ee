"""The folder of jobs where no setting names one: it belongs to the user and the port."""

import logging
import os
from pathlib import Path

from service.setting_names import variable
from service.settings import Settings

PROJECT = "autoencoder-service"

log = logging.getLogger("service")


def with_jobs_folder(settings: Settings) -> Settings:
    """Return settings that name a folder of jobs, or say that there are none.

    Jobs survive a restart on the same port. A port that is picked anew each time has no folder.
    """
    if settings.jobs_dir is not None or settings.jobs_url:
        return settings
    folder = ""
    if settings.port:
        try:
            folder = str(_created(state_folder() / PROJECT / f"jobs-{settings.port}"))
        except (OSError, RuntimeError) as error:
            log.info(
                "jobs are off: expected a folder to store them (%s), received: %s",
                variable("jobs_dir"),
                error,
            )
    return settings.model_copy(update={"jobs_dir": folder})


def state_folder() -> Path:
    """Return the user's folder of what programs keep (XDG Base Directory Specification)."""
    named = os.environ.get("XDG_STATE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"


def _created(folder: Path) -> Path:
    folder.mkdir(0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written")
    return folder
