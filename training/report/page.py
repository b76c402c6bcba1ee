"""Write a report: one HTML file that asks no other, light or dark."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.inference.scores import Numbers
from training.report import embedding, histograms, losses
from training.report.denoising import denoise
from training.report.items import show
from training.report.measure import Measured
from training.results import Results

TEMPLATES = Path(__file__).parent / "templates"
FILE_NAME = "report.html"
THUMBNAILS = 60
MOST_CLASSES = 50


@dataclass(frozen=True)
class Mean:
    """The mean score of some items.

    Args:
        name: What they have in common.
        items: How many they are; None where it is said elsewhere.
        score: The mean.
        above: The share of them above the threshold; None where there is none.
    """

    name: str
    items: int | None
    score: float
    above: float | None


def write(results: Results, measured: Measured, path: Path) -> Path:
    """Write the report of a training.

    Args:
        results: The training.
        measured: What its model does.
        path: The HTML file, replaced where there is one.

    Returns:
        The path.
    """
    return render(
        path,
        "report.html.jinja",
        title=results.name,
        results=results,
        figures=figures(results, measured),
        phases={name: losses.draw(name, rows) for name, rows in results.losses.items()},
        samples=show(results, measured.samples),
        worst=show(results, measured.worst),
        errors=histograms.of_errors(scores(results, measured), measured.above),
        above=measured.above,
        classes=classes(results, measured),
        columns=columns(results, measured),
        units=measured.codings.shape[1],
        coded=len(measured.codings),
        still=histograms.still(measured.codings),
        codings=histograms.of_codings(measured.codings),
        codings_map=_map(results, measured),
        denoised=denoise(results, measured.samples),
    )


def render(path: Path, template: str, **context: Any) -> Path:
    """Write a page of a template, at once, and return its path."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share, "breakable": breakable}
    text = environment.get_template(template).render(
        **context, written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def figures(results: Results, measured: Measured) -> dict[str, str]:
    """Return the figures of a model, by name, as they are shown."""
    found = {}
    for name, values in scores(results, measured).items():
        mean = float(np.nanmean(values))
        found[f"mean score, {name}"] = number(mean)
        if results.rows is None:
            found[f"PSNR, {name}"] = f"{-10 * math.log10(max(mean, 1e-10)):.2f} dB"
    if measured.above:
        found["threshold"] = number(measured.above.score)
        if results.test is not results.validation:
            above = float(np.nanmean(measured.test > measured.above.score))
            found[f"{results.test.name} above it"] = share(above)
    return found


def scores(results: Results, measured: Measured) -> dict[str, Numbers]:
    """Return the scores of each part, by its name."""
    found = {results.validation.name: measured.validation}
    if results.test is not results.validation:
        found[results.test.name] = measured.test
    return found


def classes(results: Results, measured: Measured) -> list[Mean]:
    """Return the mean score of each class of the test part, the highest first."""
    labels = results.test.labels
    names = [] if labels is None else np.unique(labels).tolist()
    if labels is None or not 1 < len(names) <= MOST_CLASSES:
        return []
    found = []
    for name in names:
        values = measured.test[labels == name]
        values = values[~np.isnan(values)]
        if len(values):
            above = None
            if measured.above:
                above = float(np.mean(values > measured.above.score))
            found.append(Mean(name, len(values), float(values.mean()), above))
    return sorted(found, key=lambda each: -each.score)


def columns(results: Results, measured: Measured) -> list[Mean]:
    """Return the mean error of each column over the test part, the highest first."""
    if results.rows is None:
        return []
    found = [
        Mean(column.name, None, float(error), None)
        for column, error in zip(results.rows.columns, measured.parts, strict=True)
    ]
    return sorted(found, key=lambda each: -each.score)


def number(value: float) -> str:
    """Return a number with four digits."""
    return f"{value:.4g}"


def share(value: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * value:.3g} %"


def breakable(text: str) -> Markup:
    """Return a path of which the names may be on lines of their own."""
    return Markup("/<wbr>").join(text.split("/"))


def differing(facts: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield the names of facts that are not the same for all, and what each says."""
    for name in dict.fromkeys(name for each in facts for name in each):
        values = [each.get(name, "none") for each in facts]
        if len(set(values)) > 1:
            yield name, values


def _map(results: Results, measured: Measured) -> Any:
    placed = embedding.places(measured.codings)
    if placed is None:
        return None
    labels = results.test.labels
    thumbnails = {}
    if results.rows is None:
        chosen = embedding.apart(placed, THUMBNAILS)
        items = results.test.items.take(measured.coded[chosen])
        thumbnails = dict(zip(chosen, items, strict=True))
    return embedding.draw(
        placed,
        None if labels is None else labels[measured.coded],
        measured.test[measured.coded],
        thumbnails,
    )
