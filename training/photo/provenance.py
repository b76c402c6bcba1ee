"""Where the weights of an exported denoiser of photographs and of its estimator come from."""

from datetime import datetime

from service.manifest import Provenance
from training.photo.record import PhotoRecord
from training.record import versions


def of_denoiser(record: PhotoRecord, *, dataset: str | None, note: str | None) -> Provenance:
    """Return what the manifest says of the training of a denoiser.

    Args:
        record: Of the training.
        dataset: What the photographs were, by default their number.
        note: Where and how long the training ran.
    """
    return Provenance(
        dataset=dataset or f"{record.training_images} photographs",
        dataset_licence=record.licence,
        data=None,
        seed=record.seed,
        epochs=record.epochs,
        settings="; ".join(_settings(record) + ([note] if note else [])),
        command=record.command,
        trained_at=datetime.fromisoformat(record.trained_at),
        versions=record.versions | _converters(),
    )


def with_estimator(
    denoiser: Provenance, record: PhotoRecord, *, dataset: str | None, note: str | None
) -> Provenance:
    """Return the same with the training of an estimator, whose photographs may be others.

    Args:
        denoiser: Of the denoiser.
        record: Of the training of the estimator.
        dataset: What its photographs were, by default their number.
        note: Where and how long it ran.
    """
    settings = [*_settings(record), *([note] if note else [])]
    dataset = dataset or f"{record.training_images} photographs"
    return denoiser.model_copy(
        update={
            "dataset": _both(denoiser.dataset, dataset),
            "dataset_licence": _both(denoiser.dataset_licence, record.licence),
            "settings": f"{denoiser.settings}. Estimator of the noise: {'; '.join(settings)}",
            "command": f"{denoiser.command} && {record.command}",
            "trained_at": max(denoiser.trained_at, datetime.fromisoformat(record.trained_at)),
            "versions": denoiser.versions | record.versions | _converters(),
        }
    )


def _both(denoiser: str, estimator: str) -> str:
    return denoiser if denoiser == estimator else f"{denoiser}; for the estimator: {estimator}"


def _settings(record: PhotoRecord) -> list[str]:
    return [
        record.model,
        f"{record.gigapixels:g} gigapixels in {record.hours:g} hours: {record.settings}",
        *record.before,
        f"{record.precision} by Keras on {record.backend}",
    ]


def _converters() -> dict[str, str]:
    return versions("tensorflow", "tf2onnx", "onnx", "onnxruntime")
