"""Export a trained autoencoder of Fashion-MNIST to ONNX, with a manifest, behind a parity gate."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from service.inference.device import Execution
from service.inference.pixels import Floats
from service.inference.session import Session
from service.manifest import (
    SCHEMA_VERSION,
    Manifest,
    Measurement,
    Operation,
    OperationName,
    Pixels,
    Provenance,
    StepsInput,
    Tensor,
    digest,
)
from training.autoencoders.autoencoder import Autoencoder
from training.export import (
    FILES,
    OPSET,
    ParityError,
    check_parity,
    rename,
    require_tensorflow,
    version,
)

FREE = ("batch", "steps")
STEPS = StepsInput(tensor=Tensor(name="steps", dtype="int64", shape=()), default=28)


@dataclass(frozen=True)
class _Graph:
    """A function of TensorFlow tensors, and what its manifest entry will say."""

    call: Callable[..., Any]
    input: Tensor
    output: Tensor
    steps: StepsInput | None


def export(
    autoencoder: Autoencoder,
    folder: Path,
    *,
    summary: str,
    provenance: Provenance,
    denoises: bool,
    images: Floats,
    measurements: tuple[Measurement, ...] = (),
) -> Manifest:
    """Write the graphs and the manifest of an autoencoder, in place of a version that exists.

    Args:
        autoencoder: The trained model.
        folder: models/<name>/<version>/; it stays as it is where the export fails.
        summary: One line on the model, for its manifest.
        provenance: How the model was trained.
        denoises: Whether the model offers `denoise`.
        images: At least 6 images (n, 28, 28) in [0, 1] to compare the graphs and Keras on, in two
            batch sizes and, for a recurrent model, two lengths.
        measurements: Figures that only training could measure.

    Returns:
        The manifest as it was written.

    Raises:
        ParityError: A graph computes something else than Keras does.
        ValueError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    with version(folder) as draft:
        operations = {
            name: _write(graph, draft / FILES[name], _samples(name, autoencoder, images))
            for name, graph in _graphs(autoencoder, denoises=denoises).items()
        }
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            name=folder.parent.name,
            version=int(folder.name),
            summary=summary,
            pixels=Pixels(mode="L", scale=255.0),
            rows=None,
            operations=operations,
            provenance=provenance,
            measurements=measurements,
            calibration=None,
        )
        manifest.write(draft)
    return manifest


def _graphs(autoencoder: Autoencoder, *, denoises: bool) -> dict[OperationName, _Graph]:
    import tensorflow as tf

    images = Tensor(name="images", dtype="float32", shape=_named(autoencoder.encoder.input_shape))
    codings = Tensor(
        name="codings", dtype="float32", shape=_named(autoencoder.encoder.output_shape)
    )
    reconstructions = Tensor(name="reconstructions", dtype="float32", shape=images.shape)
    recurrent = len(autoencoder.decoder.inputs) == 2

    def decode_to_length(values: Any, steps: Any) -> Any:
        # The decoder reads from its second input nothing but how long it is.
        length = tf.zeros(tf.stack([1, tf.cast(steps, tf.int32), 1]))
        return autoencoder.decoder([values, length], training=False)

    graphs: dict[OperationName, _Graph] = {
        "encode": _Graph(
            lambda values: autoencoder.encoder(values, training=False), images, codings, None
        ),
        "decode": _Graph(decode_to_length, codings, reconstructions, STEPS)
        if recurrent
        else _Graph(
            lambda values: autoencoder.decoder(values, training=False),
            codings,
            reconstructions,
            None,
        ),
    }
    if denoises:
        graphs["denoise"] = _Graph(
            lambda values: autoencoder.whole(values, training=False), images, reconstructions, None
        )
    return graphs


def _named(shape: tuple[int | None, ...]) -> tuple[int | str, ...]:
    """Name a Keras shape's free dimensions: the first is the batch, the next the steps."""
    return tuple(FREE[axis] if size is None else size for axis, size in enumerate(shape))


def _samples(name: OperationName, autoencoder: Autoencoder, images: Floats) -> list[Floats]:
    """Inputs of one operation as it will get them, in two batch sizes and, if free, two lengths."""
    batches = [images[:1], images[1:6]]
    if autoencoder.encoder.input_shape[1] is None:
        batches[1] = batches[1][:, :11]
    if name != "decode":
        return batches
    return [np.asarray(autoencoder.encoder(batch, training=False)) for batch in batches]


def _write(graph: _Graph, path: Path, samples: list[Floats]) -> Operation:
    model = _convert(graph)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    operation = Operation(
        file=path.name,
        sha256=digest(path),
        input=graph.input,
        output=graph.output,
        steps=graph.steps,
        sigma=None,
        tiles=None,
        profile=None,
        mosaic=None,
    )
    _check_parity(graph, Session(path, operation, Execution()), path.name, samples)
    return operation


def _convert(graph: _Graph) -> onnx.ModelProto:
    import tensorflow as tf
    from tf2onnx import convert

    model: onnx.ModelProto
    tensors = [graph.input, *([graph.steps.tensor] if graph.steps else [])]
    signature = [
        tf.TensorSpec(
            [None if isinstance(size, str) else size for size in tensor.shape],
            tensor.dtype,
            name=tensor.name,
        )
        for tensor in tensors
    ]
    model, _ = convert.from_function(
        tf.function(graph.call, input_signature=signature), signature, opset=OPSET
    )
    rename(model.graph, {model.graph.output[0].name: graph.output.name})
    for value, tensor in zip(
        [*model.graph.input, *model.graph.output], [*tensors, graph.output], strict=True
    ):
        if value.name != tensor.name:
            raise ParityError(f"expected a tensor named {tensor.name}, received {value.name}")
        for size, dimension in zip(tensor.shape, value.type.tensor_type.shape.dim, strict=True):
            if isinstance(size, str):
                dimension.dim_param = size
            else:
                dimension.dim_value = size
    # Shapes of inner tensors keep the converter's own names for free dimensions; none is needed.
    del model.graph.value_info[:]
    return model


def _check_parity(graph: _Graph, session: Session, name: str, samples: list[Floats]) -> None:
    import tensorflow as tf

    for values, length in zip(samples, (28, 11), strict=True):
        steps = length if graph.steps else None
        expected = graph.call(tf.constant(values), *([steps] if steps else [])).numpy()
        received = session.run(values, steps)
        check_parity(name, values, expected, received)
