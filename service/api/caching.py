"""Results remembered by a text that clients send, as long as it is short.

A cache counts its results, not their bytes: with texts of megabytes it would hold on to gigabytes.
"""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

Text = TypeVar("Text", str, bytes)
Others = ParamSpec("Others")
Result = TypeVar("Result")
OfText = Callable[Concatenate[Text, Others], Result]


def remembered(
    count: int, longest: int = 256
) -> Callable[[OfText[Text, Others, Result]], OfText[Text, Others, Result]]:
    """Return a decorator that keeps a function's last results, by all of its arguments.

    count: how many it keeps; longest: length of the first argument, a text, up to which it does.
    """

    def decorate(function: OfText[Text, Others, Result]) -> OfText[Text, Others, Result]:
        cached = functools.lru_cache(count)(function)

        @functools.wraps(function)
        def call(text: Text, /, *args: Others.args, **kwargs: Others.kwargs) -> Result:
            return (cached if len(text) <= longest else function)(text, *args, **kwargs)

        return call

    return decorate
