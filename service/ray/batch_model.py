"""The model of a run on a cluster: the same graphs on the same execution provider everywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from service.errors import StartupError
from service.inference.device import Execution
from service.inference.loader import load
from service.inference.model import LoadedModel
from service.manifest import Manifest
from service.ray import pool
from service.ray.batch_arguments import Actors


@dataclass(frozen=True)
class BatchModel:
    """A model as all processes of a run load it.

    Attributes:
        folder: Its folder, on each machine.
        execution: The device and its options.
        contract: What its manifest says of graphs, with their digests, and of what they take.
        provider: The execution provider, by ONNX Runtime's name.
    """

    folder: Path
    execution: Execution
    contract: dict[str, Any]
    provider: str

    @classmethod
    def of(cls, folder: Path, execution: Execution, actors: Actors) -> Self:
        """Describe the model as this machine has it and an actor of the cluster runs it.

        Raises:
            StartupError: No process of the cluster can load it.
        """
        folder = folder.absolute()
        used = pool.run_once(actors, provider, folder, execution)
        return cls(folder, execution, contract_of(Manifest.read(folder)), used)

    def load(self) -> LoadedModel:
        """Load the model in this process.

        Raises:
            StartupError: It cannot be loaded, is another one, or runs in another way.
        """
        model = load(self.folder, execution=self.execution)
        if contract_of(model.manifest) != self.contract:
            raise StartupError(f"{self.folder}: expected the same model on every machine")
        if model.provider != self.provider:
            raise StartupError(
                f"{self.folder}: expected {self.provider} on every machine, received "
                f"{model.provider}"
            )
        return model


def provider(folder: Path, execution: Execution) -> str:
    """Return the execution provider that runs a model in this process."""
    return load(folder, execution=execution).provider


def contract_of(manifest: Manifest) -> dict[str, Any]:
    """Return what of a manifest decides which outputs inputs have."""
    return manifest.model_dump(include={"operations", "pixels", "rows"})
