"""Export a trained autoencoder to ONNX, with a manifest, behind a parity gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from service.rows import Rows
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
from training.scaling import Scaling

FREE = ("batch", "steps")


@dataclass(frozen=True)
class Inputs:
    """What a model takes.

    Args:
        samples: At least 6 items to compare the graphs and Keras on, in two batch sizes and, for
            sequences of any length, two lengths: images in [0, 1], or rows of raw numbers.
        pixels: How pixels become numbers, of a model of images.
        rows: What rows the model takes, of another one.
        scaling: What rows are scaled by.
    """

    samples: Floats
    pixels: Pixels | None
    rows: Rows | None = None
    scaling: Scaling | None = None


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
    inputs: Inputs,
    measurements: tuple[Measurement, ...] = (),
) -> Manifest:
    """Write the graphs and the manifest of an autoencoder, in place of a version that exists.

    Args:
        autoencoder: The trained model.
        folder: models/<name>/<version>/; it stays as it is where the export fails.
        summary: One line on the model, for its manifest.
        provenance: How the model was trained.
        denoises: Whether the model offers `denoise`.
        inputs: What the model takes.
        measurements: Figures that only training could measure.

    Returns:
        The manifest as it was written.

    Raises:
        ParityError: A graph computes something else than Keras does.
        ValueError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    with version(folder) as draft:
        graphs = _graphs(autoencoder, inputs, denoises=denoises)
        samples = _samples(inputs, any_length=autoencoder.encoder.input_shape[1] is None)
        codings = [graphs["encode"].call(batch).numpy() for batch in samples]
        lengths = [batch.shape[1] for batch in samples]
        operations = {
            name: _write(
                graph, draft / FILES[name], codings if name == "decode" else samples, lengths
            )
            for name, graph in graphs.items()
        }
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            name=folder.parent.name,
            version=int(folder.name),
            summary=summary,
            pixels=inputs.pixels,
            rows=inputs.rows,
            operations=operations,
            provenance=provenance,
            measurements=measurements,
            calibration=None,
        )
        manifest.write(draft)
    return manifest


def _graphs(
    autoencoder: Autoencoder, inputs: Inputs, *, denoises: bool
) -> dict[OperationName, _Graph]:
    import tensorflow as tf

    name = "images" if inputs.pixels else "rows"
    items = Tensor(name=name, dtype="float32", shape=_named(autoencoder.encoder.input_shape))
    codings = Tensor(
        name="codings", dtype="float32", shape=_named(autoencoder.encoder.output_shape)
    )
    reconstructions = Tensor(name="reconstructions", dtype="float32", shape=items.shape)
    scaling = inputs.scaling
    steps = None
    if len(autoencoder.decoder.inputs) == 2:
        steps = StepsInput(
            tensor=Tensor(name="steps", dtype="int64", shape=()), default=inputs.samples.shape[1]
        )

    def encode(values: Any) -> Any:
        if scaling and scaling.missing:
            values = tf.where(tf.math.is_nan(values), scaling.mean, values)
        if scaling:
            values = (values - scaling.mean) / scaling.scale
        return autoencoder.encoder(values, training=False)

    def decode(values: Any, *asked: Any) -> Any:
        if asked:
            # The decoder reads from its second input nothing but how long it is.
            length = tf.zeros(tf.stack([1, tf.cast(asked[0], tf.int32), 1]))
            outputs = autoencoder.decoder([values, length], training=False)
        else:
            outputs = autoencoder.decoder(values, training=False)
        return outputs * scaling.scale + scaling.mean if scaling else outputs

    def decode_to_length(values: Any, steps: Any) -> Any:
        return decode(values, steps)

    graphs: dict[OperationName, _Graph] = {
        "encode": _Graph(encode, items, codings, None),
        "decode": _Graph(decode_to_length if steps else decode, codings, reconstructions, steps),
    }
    if denoises:
        graphs["denoise"] = _Graph(
            lambda values: autoencoder.whole(values, training=False), items, reconstructions, None
        )
    return graphs


def _named(shape: tuple[int | None, ...]) -> tuple[int | str, ...]:
    """Name a Keras shape's free dimensions: the first is the batch, the next the steps."""
    return tuple(FREE[axis] if size is None else size for axis, size in enumerate(shape))


def _samples(inputs: Inputs, *, any_length: bool) -> list[Floats]:
    """Items as an encoder will get them, in two batch sizes and, if the length is free, two."""
    batches = [inputs.samples[:1], inputs.samples[1:6]]
    if any_length:
        shorter = max(1, 2 * inputs.samples.shape[1] // 5)
        batches[1] = batches[1][:, :shorter]
    return batches


def _write(
    graph: _Graph, path: Path, samples: Sequence[Floats], lengths: Sequence[int]
) -> Operation:
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
    _check_parity(graph, Session(path, operation, Execution()), path.name, samples, lengths)
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


def _check_parity(
    graph: _Graph,
    session: Session,
    name: str,
    samples: Sequence[Floats],
    lengths: Sequence[int],
) -> None:
    import tensorflow as tf

    for values, length in zip(samples, lengths, strict=True):
        steps = length if graph.steps else None
        expected = graph.call(tf.constant(values), *([steps] if steps else [])).numpy()
        received = session.run(values, steps)
        check_parity(name, values, expected, received)
