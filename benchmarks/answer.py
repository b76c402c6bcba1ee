"""Incremental parser of an HTTP/1.1 response: status, keep-alive, body."""

END = b"\r\n"


class Answer:
    """One answer; feed it until it is whole. One request at a time, so nothing follows it."""

    __slots__ = ("_at", "_chunked", "_left", "_parts", "_text", "closes", "retry_after", "status")

    def __init__(self) -> None:
        self.status = 0
        self.closes = False
        self.retry_after = 0.0
        self._parts: list[bytes] = []
        self._left = -1
        self._chunked = False
        self._text = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> bool:
        """Take what was received; return whether the answer is whole.

        Raises ValueError where it is not an answer of known length: Content-Length or chunked.
        """
        if self._left < 0:
            self._text += data
            end = self._text.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._read_head(bytes(self._text[:end]).lower())
            data = bytes(self._text[end + 4 :])
            self._text.clear()
        if self._chunked:
            self._text += data
            return self._read_chunks()
        self._parts.append(data)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"expected nothing after the answer, received {-self._left} bytes")
        return not self._left

    def body(self) -> bytes:
        return b"".join(self._parts)

    def _read_head(self, head: bytes) -> None:
        self.status = int(head[9:12])
        self.closes = _field(head, b"connection") == b"close"
        self.retry_after = float(_field(head, b"retry-after") or 0)
        self._chunked = _field(head, b"transfer-encoding") == b"chunked"
        self._left = 0 if self._chunked else int(_field(head, b"content-length"))

    def _read_chunks(self) -> bool:
        """Move every whole chunk into the body; the one of size 0 is the last."""
        while (line := self._text.find(END, self._at)) >= 0:
            size = int(self._text[self._at : line].split(b";")[0], 16)
            start, end = line + 2, line + 2 + size
            if len(self._text) < end + 2:
                return False
            if not size:
                return True
            self._parts.append(bytes(self._text[start:end]))
            self._at = end + 2
        return False


def _field(head: bytes, name: bytes) -> bytes:
    """The value of a field of a head in lower case, empty where it is not there."""
    found = head.find(END + name + b":")
    if found < 0:
        return b""
    start = found + len(name) + 3
    end = head.find(END, start)
    return head[start : end if end >= 0 else None].strip()
