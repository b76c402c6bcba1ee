"""Codings on a map of two dimensions: as they are where they have two numbers, else by t-SNE."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from numpy.typing import NDArray

from service.inference.scores import Numbers
from training.pixel_noise import Floats
from training.report.svg import FAINT, LINE, WIDTH, grid, inline, legend

# Of a light and of a dark page: Okabe and Ito's colours, black and yellow apart, and four more.
COLOURS = (
    "#4f9dd9", "#e07a1f", "#2f9e74", "#cc6fa8", "#b59a00",
    "#6f7fd8", "#d1495b", "#7a8a99", "#57b8b0", "#a9704c",
)  # fmt: skip
SEED = 42
APART = 0.09
"""Of thumbnails, in widths of the map."""

POINTS = "points"
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
    points: Floats,
    labels: NDArray[np.str_] | None,
    scores: Numbers,
    titles: Sequence[str],
    thumbnails: Mapping[int, Floats],
    *,
    flat: bool,
) -> Markup:
    """Return the map.

    Args:
        points: Where the items lie, (n, 2).
        labels: The class of each, which colours tell; with none or too many, colours tell scores.
        scores: The score of each.
        titles: What a browser says of each.
        thumbnails: Images to draw in place of some of the items, by the index of the item.
        flat: Whether the points are the codings, so that axes tell their numbers.
    """
    figure, (axes,) = grid(1, 1, width=WIDTH, height=5.6)
    names = [] if labels is None else sorted(set(labels.tolist()))
    if labels is not None and len(names) <= len(COLOURS):
        of_class = dict(zip(names, COLOURS, strict=False))
        colours = [of_class[name] for name in labels.tolist()]
        handles = [Line2D([], [], color=each, marker="o", linestyle="") for each in COLOURS]
        legend(axes, handles[: len(names)], names, loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        colours = _by_score(figure, axes, scores)
    size, (x, y) = 14 if len(points) > 500 else 26, points.T
    placed = axes.scatter(x, y, s=size, c=colours, linewidths=0)
    placed.set_gid(POINTS)
    placed.set_clip_on(False)
    said = {POINTS: titles}
    for index, image in thumbnails.items():
        tile = OffsetImage(image, zoom=28 / max(image.shape[:2]), cmap="gray", clim=(0, 1))
        frame = {"edgecolor": colours[index], "linewidth": 1.6}
        box = AnnotationBbox(tile, tuple(points[index]), pad=0.12, bboxprops=frame)
        box.set_in_layout(False)  # the axes have room for it
        box.set_gid(f"thumbnail-{index}")
        axes.add_artist(box)
        said[f"thumbnail-{index}"] = [titles[index]] * 2  # the frame and the image
    axes.margins(0.06)
    if flat:
        axes.set(xlabel="first number of the coding", ylabel="second number")
    else:
        axes.set_axis_off()
    return inline(figure, f"map of the codings of {len(points)} items", said)


def _by_score(figure: Figure, axes: Axes, scores: Numbers) -> list[Any]:
    """Return a colour for each score, and draw what scores colours stand for."""
    # Ranks: one very high score would leave all others alike.
    ranks = np.argsort(np.argsort(scores)) / max(1, len(scores) - 1)
    mappable = ScalarMappable(Normalize(0, 1), "plasma")
    shares = np.linspace(0, 1, 5)
    bar = figure.colorbar(mappable, ax=axes, ticks=shares, shrink=0.6)
    bar.set_ticklabels([f"{score:.3g}" for score in np.nanquantile(scores, shares)])
    bar.set_label("score, a quarter of the items between two ticks", color=FAINT, labelpad=8)
    bar.ax.tick_params(color=LINE, labelcolor=FAINT)
    bar.outline.set_visible(False)
    return [tuple(colour) for colour in mappable.to_rgba(ranks)]


def apart(placed: Places, most: int) -> list[int]:
    """Return indices of items of which no two are close to each other on the map."""
    chosen: list[int] = []
    for index, place in enumerate(placed):
        if len(chosen) < most and all(np.linalg.norm(placed[chosen] - place, axis=1) >= APART):
            chosen.append(index)
    return chosen
