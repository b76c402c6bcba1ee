"""The model card: README.md of a model's folder, generated from its manifest."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from service.manifest import Manifest, Measurement, Operation, Tensor
from training.measurement import CORRUPTED, MODEL, WITH_SIGMA
from training.remarks import remarks

FILE_NAME = "README.md"


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
        "## Limits",
        _list(_limits(manifest)),
    ]
    return "\n\n".join(sections) + "\n"


def _operations(manifest: Manifest) -> str:
    rows = [
        (name, f"`{operation.file}`", _input(operation), _tensor(operation.output))
        for name, operation in manifest.operations.items()
    ]
    pixels = manifest.pixels
    colour = {"L": "grey", "RGB": "red, green and blue"}[pixels.mode]
    return (
        _table(("operation", "file", "takes", "gives"), rows)
        + f"\n\nAn 8-bit pixel ({colour}) is divided by {pixels.scale:g} on its way in, "
        "and multiplied by it on its way out."
    )


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


def _measured(manifest: Manifest) -> list[str]:
    measurements, said = manifest.measurements, remarks(manifest)
    if not measurements:
        return ["## Measured", "Not measured yet."]
    noisy = _noises(measurements)
    rest = [figure for figure in measurements if figure.condition not in noisy]
    rows = [
        (_name(figure), figure.data, figure.condition, figure.method, _value(figure))
        for figure in rest
    ]
    sections = [
        "## Measured",
        said.measured,
        _table(("figure", "images", "condition", "method", "value"), rows),
    ]
    return sections + (_restoring(measurements, noisy, said.restoring) if noisy else [])


def _restoring(
    measurements: Sequence[Measurement], noises: Sequence[str], remark: str
) -> list[str]:
    figures = [figure for figure in measurements if figure.condition in noises]
    images = ", ".join(dict.fromkeys(figure.data for figure in figures))
    quantities = dict.fromkeys(figure.quantity for figure in figures)
    tables = [
        _by_noise([figure for figure in figures if figure.quantity == quantity])
        for quantity in quantities
    ]
    return ["### Restoring corrupted images", remark.format(images=images), *tables]


def _by_noise(figures: Sequence[Measurement]) -> str:
    """Return a table of one quantity, a row for each noise, a column for each method."""
    methods = list(dict.fromkeys(figure.method for figure in figures))
    rows = []
    for noise in dict.fromkeys(figure.condition for figure in figures):
        at = {figure.method: figure for figure in figures if figure.condition == noise}
        best = max(at.values(), key=lambda figure: figure.value)
        rows.append((noise, *(_cell(at.get(method), best) for method in methods)))
    return _table((_name(figures[0]), *methods), rows)


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
        better = [name for name, value in at.items() if value > best]
        if at[CORRUPTED] > at[MODEL]:
            limits.append(f"{noise}: left as it is, the image is closer to the clean one.")
        elif better:
            limits.append(f"{noise}: restored better by {', '.join(better)}.")
    return limits


def _noises(measurements: Iterable[Measurement]) -> list[str]:
    found = (figure.condition for figure in measurements if figure.method == CORRUPTED)
    return list(dict.fromkeys(found))


def _name(figure: Measurement) -> str:
    return figure.quantity if figure.quantity == "share" else figure.quantity.upper()


def _value(figure: Measurement) -> str:
    match figure.quantity:
        case "psnr":
            return f"{figure.value:.2f} {figure.unit}"
        case "share":
            return f"{figure.value:.1%}"
        case "ssim":
            return f"{figure.value:.3f}"
        case _:
            return f"{figure.value:.5f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
