"""What a client may choose of how photographs are denoised, besides the level of their noise."""

import re
from dataclasses import dataclass
from typing import NamedTuple, Self

from service.errors import InvalidValue

EFFORTS = (1, 2, 4, 8)
"""Orientations in which each tile may run: as it is; mirrored; flipped both ways; turned too."""


class Region(NamedTuple):
    """A part of a photograph, in pixels of the upright photograph.

    Attributes:
        x: From its left edge, at least 0.
        y: From its upper edge, at least 0.
        width: At least 1.
        height: At least 1.
    """

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the region in a text, "x,y,width,height". Raises InvalidValue for any other."""
        if re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9}){3}", text):
            region = cls(*map(int, text.split(",")))
            if region.width and region.height:
                return region
        raise InvalidValue(
            "region: expected x,y,width,height in pixels, 0,0,640,480 for example, "
            f"received {text[:80]!r}"
        )

    def check(self, height: int, width: int) -> None:
        """Raise InvalidValue unless it lies within a photograph of a size."""
        if self.x + self.width > width or self.y + self.height > height:
            raise InvalidValue(
                f"region: expected a part of the photograph, which is {width}x{height}, "
                f"received {','.join(map(str, self))}"
            )


@dataclass(frozen=True, slots=True)
class Controls:
    """How much of the noise is removed, of which part of a photograph, with how much effort.

    Luma and chroma are those of YCbCr (ITU-R BT.601). As only what is removed is divided into the
    two, a gray photograph stays gray.

    Attributes:
        strength: Share of the noise to remove, 0 to 1; 0 returns the pixels as they are.
        luma: Share of that to remove from luma, 0 to 1: less keeps the grain.
        chroma: The same of chroma: less keeps the noise in colours.
        effort: Orientations of which the mean is taken, one of EFFORTS.
        region: The part that is denoised and returned, None for all of it. Its noise is that of
            the whole photograph.
    """

    strength: float = 1.0
    luma: float = 1.0
    chroma: float = 1.0
    effort: int = 1
    region: Region | None = None

    def __post_init__(self) -> None:
        """Raise InvalidValue for a share outside of 0 to 1, or another effort."""
        for name in ("strength", "luma", "chroma"):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise InvalidValue(f"{name}: expected a number from 0 to 1, received {share:g}")
        if self.effort not in EFFORTS:
            raise InvalidValue(f"effort: expected 1, 2, 4 or 8, received {self.effort}")


DEFAULTS = Controls()
"""All of the noise is removed from all of the photograph, at once."""
