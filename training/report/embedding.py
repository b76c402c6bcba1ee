"""Codings on a map of two dimensions: as they are where they have two numbers, else by t-SNE."""

import numpy as np
from markupsafe import Markup
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from numpy.typing import NDArray

from service.inference.scores import Numbers
from training.pixel_noise import Floats
from training.report.svg import FAINT, INK, LINE, WIDTH, grid, inline, legend

# Of a light and of a dark page: Okabe and Ito's colours, black and yellow apart, and four more.
COLOURS = (
    "#4f9dd9", "#e07a1f", "#2f9e74", "#cc6fa8", "#b59a00",
    "#6f7fd8", "#d1495b", "#7a8a99", "#57b8b0", "#a9704c",
)  # fmt: skip
SEED = 42
APART = 0.09
"""Of thumbnails, in widths of the map."""

FLAT = 2
"""Numbers of a coding that is a place on a map by itself."""

Places = NDArray[np.float32]


def places(codings: Floats) -> Places | None:
    """Return where codings lie, or where t-SNE (van der Maaten and Hinton, 2008) puts them.

    Returns:
        (n, 2) in [0, 1]. None of codings of one number, or of three items or fewer, which tell no
        neighbourhoods.
    """
    if len(codings) < 4 or codings.shape[1] < 2:
        return None
    found = codings if codings.shape[1] == FLAT else _embedded(codings)
    placed: Places = (found - found.min(axis=0)) / np.maximum(np.ptp(found, axis=0), 1e-12)
    return placed


def _embedded(codings: Floats) -> Floats:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(codings) - 1) / 3)
    embedding = TSNE(perplexity=perplexity, init="pca", random_state=SEED)
    found: Floats = embedding.fit_transform(codings)
    return found


def draw(
    placed: Places,
    labels: NDArray[np.str_] | None,
    scores: Numbers,
    thumbnails: dict[int, Floats],
) -> Markup:
    """Return the map.

    Args:
        placed: Of the items, (n, 2).
        labels: The class of each, which colours tell; with none or too many, colours tell scores.
        scores: The score of each.
        thumbnails: Images to draw beside some of the items, by the index of the item.
    """
    figure, (axes,) = grid(1, 1, width=WIDTH, height=5.6)
    names = [] if labels is None else sorted(set(labels.tolist()))
    size = 9 if len(placed) > 500 else 18
    if labels is not None and len(names) <= len(COLOURS):
        handles = []
        for name, colour in zip(names, COLOURS, strict=False):
            x, y = placed[labels == name].T
            points = axes.scatter(x, y, s=size, color=colour, linewidths=0, rasterized=True)
            handles.append(points)
        legend(axes, handles, names, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=1.6)
    else:
        # Ranks: one very high score would leave all others alike.
        ranks = np.argsort(np.argsort(scores)) / max(1, len(scores) - 1)
        points = axes.scatter(
            placed[:, 0],
            placed[:, 1],
            s=size,
            c=ranks,
            cmap="plasma",
            linewidths=0,
            rasterized=True,
        )
        bar = figure.colorbar(points, ax=axes, ticks=[0, 1], shrink=0.5)
        bar.set_ticklabels(["lowest", "highest"])
        bar.set_label("score", color=FAINT)
        bar.ax.tick_params(color=LINE, labelcolor=FAINT)
        bar.outline.set_visible(False)
    for index, image in thumbnails.items():
        tile = OffsetImage(image, zoom=28 / max(image.shape[:2]), cmap="gray", clim=(0, 1))
        frame = {"edgecolor": INK, "linewidth": 0.5}
        box = AnnotationBbox(tile, tuple(placed[index]), pad=0.1, bboxprops=frame)
        box.set_in_layout(False)  # the axes have room for it
        axes.add_artist(box)
    axes.margins(0.06)
    axes.set_axis_off()
    return inline(figure, f"map of the codings of {len(placed)} items")


def apart(placed: Places, most: int) -> list[int]:
    """Return indices of items of which no two are close to each other on the map."""
    chosen: list[int] = []
    for index, place in enumerate(placed):
        if len(chosen) < most and all(np.linalg.norm(placed[chosen] - place, axis=1) >= APART):
            chosen.append(index)
    return chosen
