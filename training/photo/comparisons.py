"""Earlier figures of other denoisers, which take longest to measure, on the same noisy images."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from service.manifest import Manifest, Measurement
from training.measurement import CORRUPTED, MODEL

EQUAL = 1e-5
"""How far the PSNR of the same noisy images may differ, in dB: a manifest rounds it."""


def earlier(folder: Path, measured: Sequence[Measurement]) -> list[Measurement]:
    """Return the figures of other denoisers in a version, and in those before it.

    A figure holds where the noisy images are the same: where their PSNR is what was measured with
    it. Each is that of the newest version that has it.

    Args:
        folder: models/<name>/<version>/.
        measured: What has been measured of this version, the noisy images included.
    """
    noisy = {_place(each): each.value for each in measured if _is_of_noisy(each)}
    found: dict[tuple[str, ...], Measurement] = {}
    for manifest in _versions(folder):
        same = {
            _place(each)
            for each in manifest.measurements
            if _is_of_noisy(each) and abs(each.value - noisy.get(_place(each), 0)) < EQUAL
        }
        for each in manifest.measurements:
            is_other = each.method != CORRUPTED and not each.method.startswith(MODEL)
            if is_other and _place(each) in same:
                found.setdefault((*_place(each), each.quantity, each.method), each)
    return list(found.values())


def _versions(folder: Path) -> Iterator[Manifest]:
    """The manifests of a version and of those before it, the newest first."""
    newest = int(folder.name)
    for version in range(newest, 0, -1):
        if (folder.parent / str(version) / "manifest.json").is_file():
            yield Manifest.read(folder.parent / str(version))


def _place(figure: Measurement) -> tuple[str, str]:
    return figure.data, figure.condition


def _is_of_noisy(figure: Measurement) -> bool:
    return figure.method == CORRUPTED and figure.quantity == "psnr"
