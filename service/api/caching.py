"""A bounded cache of the results of parsing short texts that clients send over and over.

It bounds the number of results and the length of each text. Without the second bound, texts of
megabytes would make it hold gigabytes.
"""

from collections.abc import Callable
from typing import TypeVar

Text = TypeVar("Text", bound=str | bytes)
Result = TypeVar("Result")


class BoundedCache(dict[Text, Result]):
    """A function's results by its argument: `cache[text]` calls it if the result is not there.

    A hit costs a dictionary lookup and no call. Failures are not kept.
    """

    __slots__ = ("_function", "_longest", "_most")

    def __init__(
        self, function: Callable[[Text], Result], most: int = 256, *, longest: int = 256
    ) -> None:
        """Start empty.

        Args:
            function: What turns a text into a result.
            most: Number of results to keep; one more and the cache starts anew.
            longest: Length of a text, in characters or bytes, beyond which its result is not kept.
        """
        super().__init__()
        self._function = function
        self._most = most
        self._longest = longest

    def __missing__(self, text: Text) -> Result:
        result = self._function(text)
        if len(text) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[text] = result
        return result
