"""Figures of the models of Fashion-MNIST and of their training, a function for each PNG."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from service.inference.model import LoadedModel
from training import history
from training.datasets.fashion_mnist import CLASSES, FashionMnist
from training.fashion.drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    canvas,
    gallery,
    histogram,
    save,
)
from training.fashion.evaluate import (
    are_sigmoid_activations,
    corrupt,
    encode,
    reconstruct,
)
from training.pixel_noise import Floats, Noise
from training.scores import mse, psnr_of_mean

COLUMNS = 10
TSNE_IMAGES = 2500
# Dark and light tones of five hues: classes of similar shape share a hue.
CLASS_COLOURS = (
    "#1f5fa8", "#777777", "#7db8f0", "#b0358b", "#17958f",
    "#e8a33d", "#7fd6cf", "#b5541c", "#3d8f3d", "#7a3b12",
)  # fmt: skip


def draw(
    models: Sequence[LoadedModel],
    runs: Path,
    data: FashionMnist,
    folder: Path,
    *,
    noises: Mapping[str, Sequence[Noise]],
) -> Iterator[Path]:
    """Draw every figure that the models and runs at hand allow.

    Args:
        models: Exported models of 28x28 images.
        runs: Folder of training runs, <name>/ with the history of each phase.
        data: Images to show and to encode.
        folder: Where the figures are written.
        noises: What a denoiser was trained to remove, by its name.

    Yields:
        The path of each figure, once it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    yield sparsity_loss(folder / "sparsity-loss.png")
    if models:
        yield reconstructions(models, data.test, folder / "reconstructions.png")
    for model in models:
        name = model.name
        if name in noises:
            yield denoising(model, data.test, noises[name], folder / f"{name}.png")
        codings = encode(model, data.validation)
        if are_sigmoid_activations(codings):
            yield activations(codings, name, folder / f"{name}-activations.png")
        if name == "stacked":
            yield tsne(model, data, folder / "codings-tsne.png")
    for phase in sorted(runs.glob("*/phase-1")):
        run = phase.parent
        yield greedy_training(run, folder / f"{run.name}-training.png")


def reconstructions(models: Sequence[LoadedModel], images: Floats, path: Path) -> Path:
    """Draw the first images (n, height, width) in [0, 1] over each model's reconstructions."""
    shown = images[:COLUMNS]
    rows = {"original": shown}
    for model in models:
        restored = reconstruct(model, shown)
        rows[f"{model.name}\nMSE {mse(restored, shown):.4f}"] = restored
    return save(gallery(rows, "Test images and their reconstructions"), path)


def denoising(model: LoadedModel, images: Floats, noises: Sequence[Noise], path: Path) -> Path:
    """Draw the first images (n, height, width) in [0, 1], then with each noise and denoised."""
    shown = images[:COLUMNS]
    rows = {"original": shown}
    for noise in noises:
        noisy = corrupt(shown, noise)
        restored = reconstruct(model, noisy)
        of = str(noise) if len(noises) > 1 else "noisy"
        rows[f"{of}\n{psnr_of_mean(noisy, shown):.1f} dB"] = noisy
        rows[f"denoised\n{psnr_of_mean(restored, shown):.1f} dB"] = restored
    what = "noisy images, restored" if len(noises) > 1 else str(noises[0])
    return save(gallery(rows, f"{model.name}: {what}"), path)


def sparsity_loss(path: Path, *, target: float = 0.1) -> Path:
    """Draw the KL penalty that training uses, beside MSE and MAE, over the actual activation."""
    # The only figure that needs Keras.
    from training.autoencoders.sparse import KLDivergenceRegularizer

    divergence = KLDivergenceRegularizer(weight=1.0, target=target)
    actual = np.linspace(0.001, 0.999, 400, dtype=np.float32)
    losses = [float(divergence(value.reshape(1, 1))) for value in actual]
    figure, (axes,) = canvas(6.4, 4.2)
    axes.plot(actual, losses, color=BLUE, linewidth=2.4, label="KL divergence")
    axes.plot(actual, abs(actual - target), "--", color=ORANGE, linewidth=2, label="MAE")
    axes.plot(actual, (actual - target) ** 2, "-.", color=GREEN, linewidth=2, label="MSE")
    axes.axvline(target, color=FAINT, linewidth=1.2, linestyle=":")
    axes.text(target + 0.01, 0.9, f"target {target:g}", color=INK)
    axes.set(xlim=(0, 1), ylim=(0, 0.95), xlabel="actual mean activation", ylabel="loss")
    axes.set_title("Sparsity losses")
    axes.legend(frameon=False, loc="upper center")
    return save(figure, path)


def activations(codings: Floats, name: str, path: Path) -> Path:
    """Draw histograms of activations (n, neurons) in [0, 1] and of the mean of each neuron."""
    figure, (every, by_neuron) = canvas(10, 3.8, columns=2)
    histogram(every, codings.ravel(), "activation", BLUE, (0.0, 0.1))
    histogram(by_neuron, codings.mean(axis=0), "mean activation of a neuron", ORANGE, (0.1, 0.2))
    title = f"{name}: {codings.shape[1]} coding neurons, {len(codings):,} validation images"
    figure.suptitle(title, color=INK)
    return save(figure, path)


def tsne(model: LoadedModel, data: FashionMnist, path: Path) -> Path:
    """Draw a t-SNE map of codings of validation images, coloured by class, with sample images."""
    images, labels = data.validation[:TSNE_IMAGES], data.validation_labels[:TSNE_IMAGES]
    codings = encode(model, images).reshape(len(images), -1)
    perplexity = min(30.0, (len(images) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=42).fit_transform(codings)
    points = (points - points.min(axis=0)) / np.ptp(points, axis=0)
    figure, (axes,) = canvas(10.5, 8)
    for label, (name, colour) in enumerate(zip(CLASSES, CLASS_COLOURS, strict=True)):
        x, y = points[labels == label].T
        axes.scatter(x, y, s=14, color=colour, label=name, linewidths=0)
    for index in _apart(points, 0.08):
        tile = OffsetImage(images[index], zoom=1.1, cmap="gray_r")
        frame = {"edgecolor": CLASS_COLOURS[labels[index]], "linewidth": 1.8}
        axes.add_artist(AnnotationBbox(tile, tuple(points[index]), pad=0.1, bboxprops=frame))
    axes.set_axis_off()
    axes.set_title(f"t-SNE of the codings of {len(images):,} validation images ({model.name})")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2.5)
    return save(figure, path)


def greedy_training(run: Path, path: Path) -> Path:
    """Draw the losses of each phase of a run: its folders phase-1, phase-2, …, fine-tuning."""
    phases = [*sorted(run.glob("phase-*")), run / "fine-tuning"]
    phases = [phase for phase in phases if (phase / history.FILE_NAME).exists()]
    figure, row = canvas(3.6 * len(phases), 3.6, columns=len(phases))
    for axes, phase in zip(row, phases, strict=True):
        rows = history.read(phase / history.FILE_NAME, "loss", "val_loss")
        epochs = [row["epoch"] + 1 for row in rows]
        for loss, colour, label in (("loss", BLUE, "training"), ("val_loss", ORANGE, "validation")):
            axes.plot(epochs, [row[loss] for row in rows], ".-", color=colour, label=label)
        # The first training loss averages over an untrained model and would dominate the scale.
        held_out = [row["val_loss"] for row in rows]
        scale = (0.95 * min(held_out), 1.05 * max(held_out))
        axes.set(title=phase.name.replace("phase-", "phase "), xlabel="epoch", ylim=scale)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    row[0].set_ylabel("loss")
    row[0].legend(frameon=False)
    figure.suptitle(f"{run.name}: one shallow autoencoder at a time, then the whole", color=INK)
    return save(figure, path)


def _apart(points: NDArray[np.float32], distance: float) -> list[int]:
    """Return the indices of points (n, 2) of which no two are closer than a distance."""
    chosen: list[int] = []
    for index, point in enumerate(points):
        if all(np.linalg.norm(points[chosen] - point, axis=1) >= distance):
            chosen.append(index)
    return chosen
