"""The segments of a JPEG file and the metadata in them."""

from service.errors import MalformedBody
from service.images import jpeg_metadata
from service.images.jpeg_segments import end_of_image, next_restart, scan
from tests.fuzz.target import Fault, Target
from tests.fuzz.targets import jpeg


def run(data: bytes) -> None:
    try:
        segments = scan(data)
    except MalformedBody:
        return
    stored = segments.metadata
    metadata = jpeg_metadata.metadata(stored, is_cmyk=False)
    jpeg_metadata.photoshop_segments(metadata.photoshop or b"")
    if metadata.exif != jpeg_metadata.exif(stored) or metadata.icc != jpeg_metadata.profile(stored):
        raise Fault(f"expected the same metadata, received {metadata}")
    end = end_of_image(segments.scans)
    if end is not None and bytes(segments.scans[end : end + 2]) != b"\xff\xd9":
        raise Fault(f"expected the end of the image, received {end}")
    if not 0xD0 <= next_restart(segments.scans[:end])[1] <= 0xD7:
        raise Fault("expected a restart marker, received another")


TARGET = Target(run, jpeg.seeds, share=300, words=jpeg.WORDS)
