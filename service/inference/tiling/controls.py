"""What a client may choose of how photographs are denoised, besides the level of their noise."""

from dataclasses import dataclass

from service.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class Controls:
    """How much of the noise is removed.

    Luma and chroma are those of YCbCr (ITU-R BT.601). As only what is removed is divided into the
    two, a gray photograph stays gray.

    Attributes:
        strength: Share of the noise to remove, 0 to 1; 0 returns the pixels as they are.
        luma: Share of that to remove from luma, 0 to 1: less keeps the grain.
        chroma: The same of chroma: less keeps the noise in colours.
    """

    strength: float = 1.0
    luma: float = 1.0
    chroma: float = 1.0

    def __post_init__(self) -> None:
        """Raise InvalidValue for a share outside of 0 to 1."""
        for name in ("strength", "luma", "chroma"):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise InvalidValue(f"{name}: expected a number from 0 to 1, received {share:g}")


DEFAULTS = Controls()
"""All of the noise is removed."""
