"""Which model denoises."""

from pathlib import Path

from service.errors import ModelNotFound, ShapeMismatch
from service.inference.device import Execution
from service.inference.loader import find, load, nothing_in
from service.inference.model import Model


def chosen(
    root: Path, execution: Execution, name: str, version: int | None, sigma: float | None
) -> Model:
    """Return a model of a folder of models, the newest version where none is named.

    No other is loaded. Raises StartupError where it cannot be, ModelNotFound; OperationNotOffered
    and ShapeMismatch where it denoises no photographs; InvalidValue where it takes no such sigma.
    """
    folders = find(root)
    if not folders:
        raise nothing_in(root)
    versions = {int(folder.name): folder for folder in folders if folder.parent.name == name}
    if not versions:
        names = dict.fromkeys(folder.parent.name for folder in folders)
        raise ModelNotFound(f"model: expected one of {', '.join(names)}, received {name!r}")
    number = max(versions) if version is None else version
    if number not in versions:
        raise ModelNotFound(
            f"version: expected one of {', '.join(map(str, sorted(versions)))} of {name}, "
            f"received {version}"
        )
    model = load(versions[number], execution=execution)
    session = model.session("denoise")
    if session.operation.tiles is None:
        raise ShapeMismatch(
            f"model: expected one that takes photographs of any size, received {name}"
        )
    if sigma is not None:
        session.sigmas(sigma, 1)
    return model
