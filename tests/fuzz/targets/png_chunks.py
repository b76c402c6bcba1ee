"""The chunks of a PNG file and the metadata in them, with checksums that are right."""

from service.errors import MalformedBody
from service.images.png_chunks import scan
from service.images.png_metadata import PngMetadata
from tests.fuzz.target import Fault, Target
from tests.fuzz.targets import png


def run(data: bytes) -> None:
    for file in (data, png.with_checksums(data)):
        try:
            chunks = scan(file)
        except MalformedBody:
            continue
        found = PngMetadata(chunks.ancillary)
        metadata = found.metadata()
        if metadata.exif != found.exif():
            raise Fault(f"expected the same EXIF, received {metadata}")


TARGET = Target(run, png.seeds, share=500, words=png.WORDS)
