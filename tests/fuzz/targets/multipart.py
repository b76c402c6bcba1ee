"""multipart/form-data: files and fields of a form."""

from service.api.codecs import multipart
from service.errors import InvalidValue, MalformedBody, UnsupportedMediaType
from tests.fuzz.target import Fault, Target


def run(data: bytes) -> None:
    """The first line is the boundary."""
    boundary, _, body = data.partition(b"\n")
    try:
        form = multipart.read(body, boundary.decode("latin-1"))
    except (InvalidValue, MalformedBody, UnsupportedMediaType):
        return
    if not form.files or any(file.content not in body for file in form.files):
        raise Fault(f"expected files that the body has, received {form}")


def part(head: bytes, content: bytes) -> bytes:
    return b"--x\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n"


def seeds() -> list[bytes]:
    file = part(b'name="file"; filename="a.png"\r\nContent-Type: image/png', b"\x89PNG")
    return [
        b"x\n" + body + b"--x--\r\n"
        for body in (
            file,
            file + part(b'name="sigma"', b"20"),
            file * 2,
            part(b"name=photos[]; filename*=utf-8''%e2%82%ac.jpg", b"\xff\xd8"),
            part(b'name="file"', b"PK\3\4"),
            part(b'name="other"; filename="\xff\\""', b""),
            part(b'name="file"; filename="a"\r\nContent-Transfer-Encoding: base64', b"AA=="),
        )
    ]


WORDS = (b"--x", b"--x--", b"\r\n\r\n", b"Content-Disposition: form-data", b"filename", b'name="')
TARGET = Target(run, seeds, share=250, words=WORDS)
