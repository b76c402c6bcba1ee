"""The base of what manifests hold: unknown keys, missing ones and wrong types are errors."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A frozen part of a manifest."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
