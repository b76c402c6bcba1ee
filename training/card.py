"""The model card: README.md of a model's folder, generated from its manifest."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from service.manifest import Manifest, Measurement, Operation, Quantity, Tensor
from training.measurement import CONSTANT_SIGMA, CORRUPTED, MODEL, WITH_SIGMA
from training.remarks import remarks

FILE_NAME = "README.md"
RESTORING = ("mse", "psnr", "ssim")
"""Quantities that compare methods which restore the same images."""
BESIDE = ("sigma", "estimate", "spread")
"""Quantities that are shown beside others or in a table of their own."""
NAMES: Mapping[Quantity, str] = {
    "mse": "MSE",
    "psnr": "PSNR",
    "worst psnr": "PSNR of the worst image",
    "ssim": "SSIM",
    "rms": "RMS of the error",
    "mean shift": "mean shift of blocks",
    "largest shift": "largest shift of a block",
}


def write(manifest: Manifest, folder: Path) -> None:
    """Write the card of a model into its folder; the same manifest gives the same bytes."""
    (folder / FILE_NAME).write_text(render(manifest), encoding="utf-8")


def render(manifest: Manifest) -> str:
    """Return the card in Markdown."""
    sections = [
        f"# {manifest.name}, version {manifest.version}",
        f"{manifest.summary}.",
        "Generated from `manifest.json`, which says the same to programs.",
        "## Operations",
        _operations(manifest),
        "## Training",
        _training(manifest),
        *_measured(manifest),
        *_calibrated(manifest),
        *_indexed(manifest),
        "## Limits",
        _list(_limits(manifest)),
    ]
    return "\n\n".join(sections) + "\n"


def _operations(manifest: Manifest) -> str:
    rows = [
        (name, f"`{operation.file}`", _input(operation), _tensor(operation.output))
        for name, operation in manifest.operations.items()
    ]
    table = _table(("operation", "file", "takes", "gives"), rows)
    if pixels := manifest.pixels:
        colour = {"L": "grey", "RGB": "red, green and blue"}[pixels.mode]
        return (
            f"{table}\n\nAn 8-bit pixel ({colour}) is divided by {pixels.scale:g} on its way in, "
            "and multiplied by it on its way out."
        )
    assert manifest.rows
    columns = [
        (column.name, ", ".join(column.categories) or "number", f"{column.scale:g}")
        for column in manifest.rows.columns
    ]
    return f"{table}\n\n{_table(('column', 'values', 'standard deviation'), columns)}"


def _input(operation: Operation) -> str:
    taken = [_tensor(operation.input)]
    if tiles := operation.tiles:
        taken.append(
            f"height and width multiples of {tiles.stride}, with {tiles.halo} pixels around what "
            "is kept of a tile"
        )
    if steps := operation.steps:
        taken.append(
            f"{_tensor(steps.tensor)}, the number of steps to give back, {steps.default} where "
            "none is asked for"
        )
    if sigma := operation.sigma:
        taken.append(
            f"{_tensor(sigma.tensor)}, the standard deviation of the noise on the scale of 0 to "
            f"255, up to {sigma.highest:g}, {sigma.unknown:g} where it is unknown"
        )
    return "; ".join(taken)


def _tensor(tensor: Tensor) -> str:
    return f"`{tensor.name}` {tensor.dtype} {_shape(tensor)}"


def _shape(tensor: Tensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})" if tensor.shape else "scalar"


def _training(manifest: Manifest) -> str:
    origin = manifest.provenance
    versions = ", ".join(f"{package} {version}" for package, version in origin.versions.items())
    return _list(
        [
            f"Data: {origin.dataset}; licence of the data: {origin.dataset_licence}",
            f"Command: `{origin.command}`",
            f"Settings: {origin.settings}",
            f"Seed {origin.seed}, {origin.epochs} epochs, ended {origin.trained_at.isoformat()}",
            f"Versions: {versions}",
        ]
    )


def _calibrated(manifest: Manifest) -> list[str]:
    calibration = manifest.calibration
    if not calibration:
        return []
    scores = dict(zip(calibration.shares, calibration.scores, strict=True))
    rows = [
        (f"{1 - share:.3g}", f"{scores[share]:.6g}")
        for share in calibration.shares
        if 0.9 <= share < 1
    ]
    return [
        "## Anomalies",
        (
            f"Scores of {calibration.data}: mean {calibration.mean:.6g}, standard deviation "
            f"{calibration.deviation:.6g}. Thresholds, by the share of them that lie above:"
        ),
        _table(("false-alarm rate", "threshold"), rows),
    ]


def _indexed(manifest: Manifest) -> list[str]:
    if not (index := manifest.index):
        return []
    return [
        "## Neighbours",
        f"Codings of {index.data}, ({index.count}, {index.dimension}), {index.metric} distances.",
    ]


def _measured(manifest: Manifest) -> list[str]:
    measurements, said = manifest.measurements, remarks(manifest)
    if not measurements:
        return ["## Measured", "Not measured yet."]
    noisy = _noises(measurements)
    restoring = [
        figure
        for figure in measurements
        if figure.condition in noisy and figure.quantity in RESTORING
    ]
    rows = [
        (_name(figure), figure.data, figure.condition, figure.method, _value(figure))
        for figure in measurements
        if figure not in restoring and figure.quantity not in BESIDE
    ]
    sections = [
        "## Measured",
        said.measured,
        _table(("figure", _items(manifest), "condition", "method", "value"), rows),
    ]
    if restoring:
        sections += _restoring(restoring, _told(measurements), said.restoring)
    return sections + _estimated(measurements)


def _items(manifest: Manifest) -> str:
    if manifest.pixels:
        return "images"
    return (
        "sequences"
        if any(len(each.input.shape) == 3 for each in manifest.operations.values())
        else "rows"
    )


def _restoring(
    figures: Sequence[Measurement], told: Mapping[tuple[str, str], str], remark: str
) -> list[str]:
    images = list(dict.fromkeys(figure.data for figure in figures))
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for figure in figures:
        groups.setdefault((figure.data, figure.quantity), []).append(figure)
    tables = [
        _by_noise(group, told, f"{_name(group[0])}, {data}" if len(images) > 1 else "")
        for (data, _), group in groups.items()
    ]
    joined = ", ".join(images)
    return ["### Restoring corrupted images", remark.format(images=joined), *tables]


def _by_noise(
    figures: Sequence[Measurement], told: Mapping[tuple[str, str], str], title: str
) -> str:
    """Return a table of one quantity, a row for each noise, a column for each method."""
    methods = list(dict.fromkeys(figure.method for figure in figures))
    compared = CONSTANT_SIGMA in methods
    rows = []
    for noise in dict.fromkeys(figure.condition for figure in figures):
        at = {figure.method: figure for figure in figures if figure.condition == noise}
        best = max(at.values(), key=lambda figure: figure.value)
        row = [noise, *(_cell(at.get(method), best) for method in methods)]
        if compared:
            row[1 + methods.index(CONSTANT_SIGMA)] += told.get((figures[0].data, noise), "")
            difference = at[MODEL].value - at[CONSTANT_SIGMA].value
            row.append(f"{difference:+.2f} {best.unit}")
        rows.append(row)
    header = [title or _name(figures[0]), *methods, *(["difference"] if compared else [])]
    return _table(header, rows)


def _told(measurements: Iterable[Measurement]) -> dict[tuple[str, str], str]:
    """The constant noise levels that restore best, by images and condition, as a cell's end."""
    return {
        (figure.data, figure.condition): f" (sigma {figure.value:g})"
        for figure in measurements
        if figure.quantity == "sigma"
    }


def _estimated(measurements: Iterable[Measurement]) -> list[str]:
    """Return a table of estimated noise levels, if there are any."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for figure in measurements:
        if figure.quantity in ("estimate", "spread"):
            row = rows.setdefault((figure.data, figure.condition), {})
            row[figure.quantity] = _value(figure)
    if not rows:
        return []
    return [
        "### Estimating the noise level",
        (
            "The geometric mean over the images of the estimated over the true noise level (of "
            "JPEG without the chroma that its subsampling loses), and the geometric standard "
            "deviation of that ratio, a factor that is 1 where all images have the same."
        ),
        _table(
            ("images", "noise", "estimated / true", "spread"),
            [(*key, row["estimate"], row["spread"]) for key, row in rows.items()],
        ),
    ]


def _cell(figure: Measurement | None, best: Measurement) -> str:
    if figure is None:
        return ""
    return f"**{_value(figure)}**" if figure == best else _value(figure)


def _limits(manifest: Manifest) -> list[str]:
    limits = list(remarks(manifest).limits)
    psnr = [figure for figure in manifest.measurements if figure.quantity == "psnr"]
    for noise in _noises(psnr):
        at = {figure.method: figure.value for figure in psnr if figure.condition == noise}
        best = max(value for name, value in at.items() if name in (MODEL, WITH_SIGMA))
        better = [name for name, value in at.items() if value > best and not name.startswith(MODEL)]
        if at[CORRUPTED] > at[MODEL]:
            limits.append(f"{noise}: left as it is, the image is closer to the clean one.")
        elif better:
            limits.append(f"{noise}: restored better by {', '.join(better)}.")
    return limits


def _noises(measurements: Iterable[Measurement]) -> list[str]:
    found = (figure.condition for figure in measurements if figure.method == CORRUPTED)
    return list(dict.fromkeys(found))


def _name(figure: Measurement) -> str:
    return NAMES.get(figure.quantity, figure.quantity)


def _value(figure: Measurement) -> str:
    match figure.quantity:
        case "psnr" | "worst psnr" | "rms" | "mean shift" | "largest shift" | "sigma":
            return f"{figure.value:.2f} {figure.unit}"
        case "share" | "accuracy":
            return f"{figure.value:.1%}"
        case "ssim":
            return f"{figure.value:.3f}"
        case "estimate" | "spread":
            return f"{figure.value:.2f}"
        case "mse":
            return f"{figure.value:.5f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
