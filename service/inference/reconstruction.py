"""Reconstructions: the graphs of encode and decode, one after the other, as one operation."""

from collections.abc import Mapping, Sequence

from service.inference.device import CPU
from service.inference.neighbours import search
from service.inference.pixels import Floats
from service.inference.session import Session, Sigma, Signature
from service.manifest import Dimension, Manifest, Operation, OperationName


def offered(manifest: Manifest) -> Mapping[OperationName, Operation]:
    """Return the operations of a model: its graphs, and those that are made of them.

    That is reconstruct where encode and decode fit, and neighbours where there is an index.
    """
    operations: dict[OperationName, Operation] = dict(manifest.operations.items())
    if reconstruct := described(manifest):
        operations["reconstruct"] = reconstruct
    if neighbours := search.described(manifest):
        operations["neighbours"] = neighbours
    return operations


def described(manifest: Manifest) -> Operation | None:
    """Return what encode and decode take and give together, None where they do not fit.

    The output has the shape of the input: a decoder that takes a number of steps is told that of
    the input. The file is the decoder's.
    """
    encode, decode = manifest.operations.get("encode"), manifest.operations.get("decode")
    if not encode or not decode or encode.steps:
        return None
    if not _fit(encode.output.shape, decode.input.shape):
        return None
    given = decode.output.shape
    if decode.steps:  # as many as are wanted
        given = tuple(
            wanted if size == "steps" else size
            for size, wanted in zip(given, encode.input.shape, strict=False)
        )
    if given != encode.input.shape:
        return None
    output = decode.output.model_copy(update={"shape": given})
    return decode.model_copy(update={"input": encode.input, "output": output, "steps": None})


def run_by(operation: OperationName) -> OperationName:
    """Return the operation that runs for another: what is scored is reconstructed."""
    return "reconstruct" if operation == "score" else operation


class Reconstruction(Signature):
    """The sessions of encode and decode, ready to run as one; safe to call from several threads."""

    def __init__(self, operation: Operation, encode: Session, decode: Session) -> None:
        """Chain two sessions.

        Args:
            operation: What described() returns of their manifest.
            encode: The first one.
            decode: The second one.
        """
        is_cpu = encode.provider == CPU
        super().__init__(operation, decode.provider if is_cpu else encode.provider)
        self._encode = encode
        self._decode = decode

    def run(
        self,
        array: Floats,
        steps: int | None = None,  # noqa: ARG002 - as Session.run() takes them
        sigma: Sigma | None = None,  # noqa: ARG002
        profile: Floats | None = None,  # noqa: ARG002
    ) -> Floats:
        """Return the reconstructions of inputs that check() accepts, of the same shape.

        Raises:
            MemoryError: ONNX Runtime finds no memory.
        """
        length = array.shape[1] if self._decode.operation.steps else None
        return self._decode.run(self._encode.run(array), length)


def _fit(one: Sequence[Dimension], other: Sequence[Dimension]) -> bool:
    """Return whether what has one shape can have the other."""
    return len(one) == len(other) and all(
        isinstance(size, str) or isinstance(given, str) or size == given
        for size, given in zip(one, other, strict=True)
    )
