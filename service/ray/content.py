"""The content of a model's folder: what replicas agree on before one runs it for another."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from service.errors import StartupError
from service.manifest import FILE_NAME

DIGITS = 16
"""Of the digest of a manifest, which has the digests of all other files."""


class Content(NamedTuple):
    """A version of a model, as its folder has it.

    Attributes:
        folder: The folder <name>/<version>/.
        digest: The first digits of its manifest's SHA-256.
    """

    folder: Path
    digest: str

    @classmethod
    def of(cls, folder: Path) -> "Content":
        """Return the present content of a folder. Raises StartupError without a manifest."""
        try:
            manifest = (folder / FILE_NAME).read_bytes()
        except OSError as error:
            raise StartupError(
                f"{folder / FILE_NAME}: expected a manifest, received: {error.strerror}"
            ) from error
        return cls(folder, hashlib.sha256(manifest).hexdigest()[:DIGITS])

    @classmethod
    def parse(cls, identity: str) -> "Content":
        """Return what str() has written."""
        digest, _, folder = identity.partition(" ")
        return cls(Path(folder), digest)

    def __str__(self) -> str:
        return f"{self.digest} {self.folder}"

    def verify(self) -> None:
        """Raise StartupError where this machine has another content in the folder."""
        found = self.of(self.folder)
        if found != self:
            raise StartupError(
                f"{self.folder / FILE_NAME}: expected the digest {self.digest}, as the replica of "
                f"the service that asks has it, received {found.digest}"
            )
