"""TIFF files, of strips and tiles, planes, palettes and most compressions."""

import numpy as np

from tests.fuzz import photographs
from tests.fuzz.target import Target
from tests.service.format_files import tiff
from tests.service.photograph_files import SRGB, encoded, samples, smooth


def seeds() -> list[bytes]:
    rgb, gray = samples(3, size=(5, 9)), samples(1, size=(5, 9))[..., 0]
    deep, alpha = samples(3, 16, (5, 9)), samples(4, size=(5, 9))
    return [
        tiff(rgb, photometric="rgb"),
        tiff(deep, photometric="rgb", byteorder=">", compression="zlib", predictor=True),
        tiff(gray, photometric="miniswhite", rowsperstrip=2),
        tiff(alpha, photometric="rgb", extrasamples=["assocalpha"]),
        tiff(np.moveaxis(deep, 2, 0), photometric="rgb", planarconfig="separate"),
        tiff(np.tile(rgb, (4, 2, 1)), photometric="rgb", tile=(16, 16), compression="zlib"),
        tiff(rgb, photometric="rgb", bigtiff=True),
        tiff(np.stack([gray, gray]), photometric="minisblack"),
        encoded(smooth("CMYK", (9, 5)), "TIFF", icc_profile=SRGB),
        encoded(smooth("1", (9, 5)), "TIFF", compression="group4"),
        encoded(smooth(size=(16, 16)), "TIFF", compression="jpeg"),
        encoded(smooth(size=(9, 5)).quantize(8), "TIFF", dpi=(300, 300), compression="tiff_lzw"),
    ]


WORDS = (b"II*\0", b"MM\0*", b"\0\1\0\4", b"\3\0\1\0\0\0", b"\1\1\4\0", b"\x69\x87\4\0", b"\x53\1")
TARGET = Target(photographs.run, seeds, share=120, longest=2048, words=WORDS)
