"""What a caller may take: requests and megapixels a minute, and its share beside others."""

from dataclasses import dataclass

WORDS = ("requests-per-minute", "megapixels-per-minute", "weight")
"""The options of a stored key that say so."""
MOST = {"requests-per-minute": 10**9, "megapixels-per-minute": 10**6, "weight": 1000}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one caller may take.

    Attributes:
        requests: Requests a minute, 0 for any number; None for what the settings say.
        megapixels: Megapixels of photographs a minute, likewise.
        weight: Its share where several want more than there is, relative to those of others, 1 to
            1000.
    """

    requests: int | None = None
    megapixels: int | None = None
    weight: int = 1

    @property
    def is_limited(self) -> bool:
        """Whether it has a quota of its own."""
        return bool(self.requests or self.megapixels)

    @property
    def words(self) -> str:
        """How it is stored, each option after a space."""
        weight = None if self.weight == 1 else self.weight
        given = zip(WORDS, (self.requests, self.megapixels, weight), strict=True)
        return "".join(f" {name}={value}" for name, value in given if value is not None)


DEFAULT = Allowance()
"""That of a caller of whom nothing else is said."""


def allowance_of(options: dict[str, str]) -> Allowance:
    """Return what the options of a stored key say. Raises ValueError where one cannot be read."""
    requests, megapixels, weight = (
        number_of(name, options[name]) if name in options else None for name in WORDS
    )
    return Allowance(requests, megapixels, 1 if weight is None else weight)


def number_of(name: str, text: str) -> int:
    """Return the number of an option. Raises ValueError where it has none, or one out of range."""
    least, most = int(name == "weight"), MOST[name]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else -1
    if not least <= number <= most:
        raise ValueError(f"{name}: expected a whole number of {least} to {most}, received another")
    return number
