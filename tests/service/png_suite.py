"""PNG files of every kind that PngSuite has, made here: each with the pixels that are in it.

http://www.schaik.com/pngsuite/ names the kinds. The pixels are those that went in; pypng, which
shares no code with the service, reads them too.
"""

import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.service.png_files import BANDS, Array, chunk, file_of

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
KINDS = [(kind, depth) for kind, depths in DEPTHS.items() for depth in depths]
PALETTE = np.random.default_rng(3).integers(0, 256, (256, 3), np.uint8)


class Case(NamedTuple):
    """A file, and the samples that it has."""

    name: str
    file: bytes
    colour_type: int
    depth: int


def picture(colour_type: int, depth: int, size: tuple[int, int] = (11, 13)) -> Array:
    """Samples (height, width, bands) of every value, of which no two rows are alike."""
    shape = (*size, BANDS[colour_type])
    return np.random.default_rng(depth).integers(0, 2**depth, shape)


def palette(depth: int) -> bytes:
    return chunk(b"PLTE", PALETTE[: 2**depth].tobytes())


def case(
    name: str,
    colour_type: int,
    depth: int,
    *chunks: bytes,
    size: tuple[int, int] = (11, 13),
    **options: object,
) -> Case:
    """A file of a kind, with its palette before other chunks."""
    first = (palette(depth),) if colour_type == 3 else ()
    samples = picture(colour_type, depth, size)
    file = file_of(samples, colour_type, depth, *first, *chunks, **options)  # type: ignore[arg-type]
    return Case(f"{name} {colour_type}/{depth}", file, colour_type, depth)


def basic() -> Iterator[Case]:
    for kind, depth in KINDS:
        for interlaced in (False, True):
            yield case(f"interlaced {interlaced}", kind, depth, interlaced=interlaced)


def odd_sizes() -> Iterator[Case]:
    """Squares of 1 to 40 pixels, and lines."""
    turns = itertools.cycle(KINDS)
    for side in range(1, 41):
        for interlaced in (False, True):
            kind, depth = next(turns)
            yield case(f"size {side}", kind, depth, size=(side, side), interlaced=interlaced)
    for size in ((1, 40), (40, 1), (2, 39), (5, 1), (1, 5)):
        for kind, depth in ((0, 1), (3, 2), (2, 16)):
            yield case(f"size {size}", kind, depth, size=size, interlaced=True)


def filters() -> Iterator[Case]:
    for kind, depth in ((0, 1), (0, 8), (0, 16), (2, 8), (3, 4), (4, 16), (6, 8)):
        for each in ((0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4)):
            yield case(f"filters {each}", kind, depth, filters=each)


def transparency() -> Iterator[Case]:
    """One colour that is transparent, or opacities of some entries of a palette; a background."""
    for kind, depth in KINDS:
        first = picture(kind, depth)[0, 0]
        if kind in (4, 6):
            continue
        opacity = bytes(range(0, 256, 17))[: 2**depth]
        key = opacity if kind == 3 else struct.pack(f">{len(first)}H", *first)
        back = bytes(1) if kind == 3 else struct.pack(f">{len(first)}H", *first)
        for interlaced in (False, True):
            chunks = chunk(b"tRNS", key), chunk(b"bKGD", back)
            yield case("transparent", kind, depth, *chunks, interlaced=interlaced)
    for kind, depth in ((4, 8), (4, 16), (6, 8), (6, 16)):
        back = struct.pack(f">{BANDS[kind] - 1}H", *[1] * (BANDS[kind] - 1))
        yield case("background", kind, depth, chunk(b"bKGD", back))


def colours() -> Iterator[Case]:
    points = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    for kind, depth in ((0, 16), (2, 8), (3, 4), (6, 16)):
        for gamma in (35000, 45000, 55000, 70000, 100000, 250000):
            yield case(f"gamma {gamma}", kind, depth, chunk(b"gAMA", struct.pack(">I", gamma)))
        yield case("chromaticities", kind, depth, chunk(b"cHRM", points))
        yield case("sRGB", kind, depth, chunk(b"sRGB", b"\0"), chunk(b"cHRM", points))


def ancillary() -> Iterator[Case]:
    texts = (
        chunk(b"tEXt", b"Title\0PngSuite"),
        chunk(b"zTXt", b"Copyright\0\0" + zlib.compress(b"nobody")),
        chunk(b"iTXt", b"Author\0\1\0en\0Author\0" + zlib.compress("é".encode())),
    )
    yield case("texts", 0, 4, *texts)
    yield case("time", 0, 2, chunk(b"tIME", struct.pack(">HBBBBB", 2000, 2, 29, 23, 59, 60)))
    yield case("physical", 3, 8, chunk(b"pHYs", struct.pack(">IIB", 1, 4, 0)))
    yield case("significant bits", 2, 16, chunk(b"sBIT", bytes([16, 16, 16])))
    yield case("histogram", 3, 4, chunk(b"hIST", struct.pack(">16H", *range(16))))
    suggested = b"six\0\x08" + bytes([1, 2, 3, 255, 0, 9])
    yield case("suggested palette", 2, 8, palette(8), chunk(b"sPLT", suggested))
    yield case("suggested colours", 6, 16, palette(4))


def streams() -> Iterator[Case]:
    """zlib's levels and windows, and IDAT in pieces."""
    for kind, depth in ((0, 16), (2, 8)):
        for level in range(10):
            yield case(f"level {level}", kind, depth, level=level)
        for window in (9, 12, 15):
            yield case(f"window {window}", kind, depth, window=window)
        for length in (1, 2, 7, 100, 1 << 16):
            yield case(f"pieces of {length}", kind, depth, piece=length)
        yield case("an empty piece", kind, depth, piece=40, empty=True)


MAKERS = (basic, odd_sizes, filters, transparency, colours, ancillary, streams)


def damaged() -> Iterator[tuple[str, bytes]]:
    """Files that have no right pixels: PngSuite's, and more."""
    whole = case("", 2, 8).file
    header, behind = whole[:33], whole[33:]
    for name, start in (("MSB", b"\x09PNG"), ("signature", b"\x89png"), ("none", b"")):
        yield f"signature: {name}", start + whole[4:]
    yield "LF as CR LF", whole.replace(b"\n", b"\r\n")
    yield "CR LF as LF", whole.replace(b"\r\n", b"\n")
    yield "checksum of the header", header[:-1] + bytes([header[-1] ^ 1]) + behind
    for kind, depth in ((1, 8), (9, 8), (2, 0), (2, 3), (2, 99), (3, 16), (4, 4), (6, 2)):
        changed = struct.pack(">IIBBBBB", 13, 11, depth, kind, 0, 0, 0)
        yield f"colour type {kind} of {depth}", whole[:8] + chunk(b"IHDR", changed) + behind
    for place, values in ((0, (0, 11)), (1, (13, 0)), (2, (1 << 31, 11))):
        changed = struct.pack(">IIBBBBB", *values, 8, 2, 0, 0, 0)
        yield f"size {place}", whole[:8] + chunk(b"IHDR", changed) + behind
    for name, methods in (("compression", (1, 0, 0)), ("filter", (0, 1, 0)), ("lace", (0, 0, 2))):
        changed = struct.pack(">IIBBBBB", 13, 11, 8, 2, *methods)
        yield f"method of {name}", whole[:8] + chunk(b"IHDR", changed) + behind
    yield "no data", header + chunk(b"IEND", b"")
    yield "empty data", header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    yield "a filter of 5", file_of(picture(2, 8), 2, 8, filters=(5,))
    yield "rows missing", file_of(picture(2, 8)[:-1], 2, 8, height=11)
    yield "no palette", file_of(picture(3, 4), 3, 4)
    yield "an unknown critical chunk", header + chunk(b"ABcD", b"") + behind
