"""Write the service's settings into the schema of the Helm chart's values.

`make reference` does; a test checks that they are up to date.
"""

import json
from pathlib import Path
from typing import Any

from service.settings import Settings

SCHEMA = Path(__file__).parents[1] / "deploy/helm/autoencoder-service/values.schema.json"
OF_THE_CHART = frozenset(
    {"host", "port", "models", "jobs_dir", "jobs_url", "rate_url", "api_keys_file"}
)
"""Settings that follow from other values of the chart, or from the image."""
SECRET = frozenset({"api_keys"})
"""Settings that belong into a Secret, not into values."""


def schema() -> str:
    """Return the schema of values, with the type, range and description of each setting.

    Helm checks values with it before anything is installed: a setting that would stop the service
    at its start is refused earlier.
    """
    written: dict[str, Any] = json.loads(SCHEMA.read_text())
    written["properties"]["settings"] = {
        "description": "Settings of the service. Made by `make reference`.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: _setting(each)
            for name, each in Settings.model_json_schema()["properties"].items()
            if name not in OF_THE_CHART | SECRET
        },
    }
    return json.dumps(written, indent=2) + "\n"


def _setting(described: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one setting without its title and its default, which values have."""
    return {key: each for key, each in described.items() if key not in ("title", "default")}
