"""ICC profiles for the files that need one: of a PNG's colour chunks, or RGB for a gray one.

ICC.1:2022 (profile version 4.4); PNG (third edition), sections 4.3 and 11.3.2, for which chunk
counts; ITU-T H.273 for the code points of cICP.
"""

import io
import struct
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from service.images.photograph import LARGEST_METADATA, ColourChunks, Metadata

D65, ILLUMINANT_C, DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
PRIMARIES = {
    1: (*D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060),  # BT.709, sRGB
    4: (*ILLUMINANT_C, 0.670, 0.330, 0.210, 0.710, 0.140, 0.080),  # BT.470 System M
    5: (*D65, 0.640, 0.330, 0.290, 0.600, 0.150, 0.060),  # BT.601 of 625 lines
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # BT.601 of 525 lines
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # SMPTE ST 240
    8: (*ILLUMINANT_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),  # film
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    11: (*DCI, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # DCI-P3
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),  # EBU Tech 3213
}
"""ColourPrimaries (H.273, table 2): x and y of white, red, green and blue."""
BT1886_CURVE = (2.4,)
"""Of displays for what BT.709, BT.601 and BT.2020 encode."""
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    1: BT1886_CURVE,
    4: (2.2,),
    5: (2.8,),
    6: BT1886_CURVE,
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4.0, 0.0913),
    8: (1.0,),
    13: SRGB_CURVE,
    14: BT1886_CURVE,
    15: BT1886_CURVE,
    17: (2.6, (52.37 / 48) ** (1 / 2.6), 0.0, 0.0, 0.0),
}
"""TransferCharacteristics (H.273, table 3) as parameters g, a, b, c, d (ICC.1, 10.18)."""
PQ, HLG = 16, 18
"""Curves of high dynamic range, which a profile names in a tag, as displays adapt them."""
GAMMA_OF_SRGB, SIGNIFICANT = 1 / 2.2, 0.05
"""A gAMA by which software means sRGB, and the share by which another one must differ."""
TABLE = 4096
"""Entries of a curve that is no parametric one."""
GAMMAS = (0.01, 100.0)
"""The range of exponents that are taken for valid."""
D50 = (0.9642, 1.0, 0.8249)
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""XYZ to the cone responses in which white is adapted (ICC.1, annex E)."""
VERSION = 0x04400000
GRAY_SPACE, RGB_SPACE, XYZ_SPACE = b"GRAY", b"RGB ", b"XYZ "


def profile_for(metadata: Metadata, *, was_gray: bool, is_gray: bool) -> bytes | None:
    """Return the ICC profile that gives a file the colours of the photograph.

    cICP counts before an ICC profile, that before sRGB, that before cHRM and gAMA.

    Args:
        metadata: That of the photograph.
        was_gray: Whether the photograph is gray; otherwise it is RGB.
        is_gray: Whether the file is.

    Returns:
        A profile, or None for sRGB and where the photograph's profile does not fit the file.
    """
    cicp = metadata.colour.cicp
    if cicp is not None and is_supported(cicp):
        return _profile(PRIMARIES[cicp[0]], _coded_curve(cicp[1]), is_gray=is_gray, cicp=cicp)
    if metadata.icc is not None:
        space = metadata.icc[16:20]
        if space == (GRAY_SPACE if is_gray else RGB_SPACE):
            return metadata.icc
        return _rgb_of_gray(metadata.icc) if was_gray and space == GRAY_SPACE else None
    return _of_chromaticities(metadata.colour, is_gray=is_gray)


def has_high_range(colour: ColourChunks) -> bool:
    """Return whether colours are PQ or HLG, for which only RGB profiles have a tag."""
    return colour.cicp is not None and is_supported(colour.cicp) and colour.cicp[1] in (PQ, HLG)


def is_supported(cicp: bytes) -> bool:
    """Return whether the code points of cICP are of RGB and known here."""
    primaries, transfer, matrix, _ = cicp
    return primaries in PRIMARIES and transfer in (*CURVES, PQ, HLG) and matrix == 0


def in_srgb(image: Image.Image, icc: bytes) -> Image.Image | None:
    """Return an image as sRGB by its ICC profile, or None if that is large or not of its mode."""
    if len(icc) > LARGEST_METADATA:
        return None
    try:
        return ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (OSError, ImageCms.PyCMSError):
        return None


def _of_chromaticities(colour: ColourChunks, *, is_gray: bool) -> bytes | None:
    """Return a profile of gAMA and cHRM, as browsers take them: cHRM counts only beside gAMA."""
    gamma, chromaticities = colour.gamma, colour.chromaticities
    if colour.is_srgb or gamma is None or not GAMMAS[0] <= gamma <= GAMMAS[1]:
        return None
    if chromaticities is None or not _is_valid(chromaticities):
        if abs(gamma / GAMMA_OF_SRGB - 1) <= SIGNIFICANT:
            return None
        chromaticities = PRIMARIES[1]
    return _profile(chromaticities, _parametric((1 / gamma,)), is_gray=is_gray)


def _rgb_of_gray(gray: bytes) -> bytes | None:
    """Return an RGB profile with the curve of a gray one, None where it is not one of XYZ."""
    curve = next((data for name, data in _tags(gray) if name == b"kTRC"), b"")
    if gray[20:24] != XYZ_SPACE or curve[:4] not in (b"curv", b"para"):
        return None
    return _profile(PRIMARIES[1], curve, is_gray=False)


def _tags(profile: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and data of each tag that lies within a profile (ICC.1, 7.3)."""
    if len(profile) < 132:
        return
    (count,) = struct.unpack_from(">I", profile, 128)
    for at in range(132, min(132 + 12 * count, len(profile) - 11), 12):
        name, start, size = struct.unpack_from(">4sII", profile, at)
        if start + size <= len(profile):
            yield name, profile[start : start + size]


def _coded_curve(transfer: int) -> bytes:
    """Return the curve of TransferCharacteristics as a tag; light of PQ and HLG is 1 at most."""
    if transfer in CURVES:
        return _parametric(CURVES[transfer])
    values = np.linspace(0, 1, TABLE)
    if transfer == PQ:  # SMPTE ST 2084, equation 4.1
        root = values ** (32 / 2523)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (8192 / 1305)
    else:  # ITU-R BT.2100, table 5
        bright = (np.exp((values - 0.55991073) / 0.17883277) + 0.28466892) / 12
        light = np.where(values <= 0.5, values**2 / 3, bright)
    entries = np.rint(np.clip(light, 0, 1) * 65535).astype(">u2")
    return struct.pack(">4s4xI", b"curv", TABLE) + entries.tobytes()


def _parametric(parameters: tuple[float, ...]) -> bytes:
    """Return a parametricCurveType tag: a power of 1 parameter, or 5 with a line before it."""
    function = {1: 0, 5: 3}[len(parameters)]
    return struct.pack(">4s4xHxx", b"para", function) + _fixed(*parameters)


def _is_valid(chromaticities: tuple[float, ...]) -> bool:
    points = np.reshape(chromaticities, (4, 2))
    if not ((points >= 0) & (points <= 1)).all() or points[0, 1] == 0:
        return False
    return bool(abs(np.linalg.det(_xyz(points[1:]))) > 1e-6)


def _xyz(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return chromaticities (n, 2) as columns x, y, z."""
    return np.column_stack([points, 1 - points.sum(axis=1)]).T


def _adapted(chromaticities: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return RGB to XYZ of D50, and the adaptation to D50 in it, each a matrix (3, 3)."""
    points = np.reshape(chromaticities, (4, 2))
    white = _xyz(points[:1])[:, 0] / points[0, 1]
    primaries = _xyz(points[1:])
    to_xyz = primaries * np.linalg.solve(primaries, white)
    gains = (BRADFORD @ D50) / (BRADFORD @ white)
    adaptation = np.linalg.solve(BRADFORD, gains[:, None] * BRADFORD)
    return adaptation @ to_xyz, adaptation


def _profile(
    chromaticities: tuple[float, ...], curve: bytes, *, is_gray: bool, cicp: bytes | None = None
) -> bytes:
    """Return a display profile of XYZ (ICC.1, 8.3.3 and 8.4)."""
    tags = {
        b"desc": _text("Colour space by code points or chunks"),
        b"cprt": _text("CC0"),
        b"wtpt": _xyz_tag(D50),
    }
    if is_gray:
        tags[b"kTRC"] = curve
    else:
        colours, adaptation = _adapted(chromaticities)
        tags |= {
            b"chad": b"sf32" + bytes(4) + _fixed(*adaptation.flat),
            b"rXYZ": _xyz_tag(colours[:, 0]),
            b"gXYZ": _xyz_tag(colours[:, 1]),
            b"bXYZ": _xyz_tag(colours[:, 2]),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        }
        if cicp is not None and cicp[1] in (PQ, HLG):
            tags[b"cicp"] = b"cicp" + bytes(4) + cicp
    return _assembled(GRAY_SPACE if is_gray else RGB_SPACE, tags)


def _assembled(space: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    """Return header, tag table and tags; tags with the same data share it (ICC.1, 7)."""
    start = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    places: dict[bytes, int] = {}
    for name, content in tags.items():
        if content not in places:
            places[content] = start + len(data)
            data += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, places[content], len(content))
    size = start + len(data)
    header = struct.pack(">I4xI4s4s4s", size, VERSION, b"mntr", space, XYZ_SPACE)
    header += struct.pack(">6H4s28x", 2026, 1, 1, 0, 0, 0, b"acsp") + _fixed(*D50)
    return header.ljust(128, b"\0") + table + data


def _text(text: str) -> bytes:
    """Return a tag of multiLocalizedUnicodeType (ICC.1, 10.15)."""
    encoded = text.encode("utf-16-be")
    return struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(encoded), 28) + encoded


def _xyz_tag(values: tuple[float, float, float] | NDArray[np.float64]) -> bytes:
    return XYZ_SPACE + bytes(4) + _fixed(*values)


def _fixed(*values: float) -> bytes:
    """Return numbers as s15Fixed16Number (ICC.1, 4.6)."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
