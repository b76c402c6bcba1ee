"""Write a report: one HTML file that asks no other, light or dark."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from training.report import embedding, histograms, losses
from training.report.alarms import remarks
from training.report.denoising import denoise
from training.report.figures import (
    MOST_COLUMNS,
    classes,
    columns,
    figures,
    number,
    scores,
    share,
)
from training.report.items import show
from training.report.measure import Measured
from training.results import Part, Results

TEMPLATES = Path(__file__).parent / "templates"
FILE_NAME = "report.html"
THUMBNAILS = 60
LONGEST = 24
"""Letters of a name that stay on a line."""


def write(results: Results, measured: Measured, path: Path) -> Path:
    """Write the report of a training.

    Args:
        results: The training.
        measured: What its model does.
        path: The HTML file, replaced where there is one.

    Returns:
        The path.
    """
    by_column = columns(results, measured)
    return render(
        path,
        "report.html.jinja",
        title=results.name,
        results=results,
        figures=figures(results, measured),
        remarks=list(remarks(results, measured)),
        phases={name: losses.draw(name, rows) for name, rows in results.losses.items()},
        samples=show(results, measured.samples),
        worst=show(results, measured.worst),
        errors=histograms.of_errors(scores(results, measured), measured.above),
        above=measured.above,
        classes=classes(results, measured),
        columns=by_column[:MOST_COLUMNS],
        columns_left_out=len(by_column[MOST_COLUMNS:]),
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


def breakable(text: str) -> Markup:
    """Return a path of which the names may be on lines of their own, and the longest on several."""
    names = [
        Markup("<wbr>").join(
            name[start : start + LONGEST] for start in range(0, len(name), LONGEST)
        )
        for name in text.split("/")
    ]
    return Markup("/<wbr>").join(names)


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
    flat = measured.codings.shape[1] == embedding.FLAT
    return embedding.draw(
        measured.codings if flat else placed,
        None if labels is None else labels[measured.coded],
        measured.test[measured.coded],
        [_said(results.test, position) for position in measured.coded.tolist()],
        thumbnails,
        flat=flat,
    )


def _said(part: Part, position: int) -> str:
    """Return what tells an item from the others, and its class."""
    title = part.title(position)
    return title if part.labels is None else f"{title} · {part.labels[position]}"
