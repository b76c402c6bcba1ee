"""XMP and IPTC stay with a photograph, without what is no longer true."""

import struct
import zlib

import numpy as np
import pytest

from service.images.decode import read
from service.images.encode import write
from service.images.formats import JPEG, PNG, WEBP
from service.images.photoshop import block
from service.images.xmp import without_appended
from tests.service.photograph_files import KINDS, LIMIT, encoded, opened, smooth
from tests.service.png_files import chunk, chunks_of, file_of, raw_profile

START = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta '
    b'xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
)
KEPT = (
    b' xmp:Rating="5" a:b=">"  xmlns:a="urn:a">\n <dc:subject><rdf:Bag><rdf:li>caf\xc3\xa9 &amp; '
    b'more</rdf:li></rdf:Bag></dc:subject><!-- MotionPhoto="1" -->'
)
END = b'</rdf:Description></rdf:RDF></x:xmpmeta>\n   \n<?xpacket end="w"?>'
WITHOUT = START + KEPT + END

CAMERA = b' xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
CONTAINER = (
    b' xmlns:Container="http://ns.google.com/photos/1.0/container/"'
    b" xmlns:Item='http://ns.google.com/photos/1.0/container/item/'"
)
DIRECTORY = (
    b"<Container:Directory><rdf:Seq><rdf:li rdf:parseType='Resource'><Container:Item "
    b'Item:Mime="image/jpeg" Item:Semantic="Primary" Item:Length="0" Item:Padding="0"/></rdf:li>'
    b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4" '
    b'Item:Semantic="MotionPhoto" Item:Length="99"/></rdf:li></rdf:Seq></Container:Directory>'
)
GAIN_MAP = b' xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'


@pytest.mark.parametrize(
    "xmp",
    [
        START + CAMERA + b' GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"' + KEPT + END,
        START + CAMERA + b"\n  GCamera:MicroVideo = '1'\n GCamera:MicroVideoOffset='9'"
        + KEPT + END,
        START + CONTAINER + KEPT + DIRECTORY + END,
        START + GAIN_MAP + b' hdrgm:Version="1.0" hdrgm:GainMapMax="> 2"' + KEPT + END,
        START + GAIN_MAP + KEPT + b"<hdrgm:Version>1.0</hdrgm:Version><hdrgm:Gamma/>" + END,
        START + CAMERA + KEPT + b"<GCamera:MotionPhoto>1</GCamera:MotionPhoto>" + END,
        START + GAIN_MAP + CAMERA + CONTAINER + b' hdrgm:Version="1.0" GCamera:MotionPhoto="1"'
        + KEPT + DIRECTORY + END,
        START + b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="0A"'
        + KEPT + END,
        START + b' xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Near="1"'
        + KEPT + END,
        START + b' xmlns:Device="http://ns.google.com/photos/dd/1.0/device/"' + KEPT
        + b'<Device:Container><Device:a xmlns:Device="http://ns.google.com/photos/dd/1.0/item/"/>'
        b"</Device:Container>" + END,
    ],
)  # fmt: skip
@pytest.mark.parametrize("media_type", KINDS)
def test_xmp_goes_without_what_describes_an_appended_file(media_type: str, xmp: bytes) -> None:
    if media_type == PNG:
        body = file_of(
            np.asarray(smooth()), 2, 8, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        )
    else:
        body = encoded(smooth(), KINDS[media_type], xmp=xmp)
    found = read(body, LIMIT)
    assert found.metadata.xmp == WITHOUT
    for written in KINDS:
        assert opened(write(found, written)).info["xmp"] == WITHOUT


def test_what_a_camera_says_of_the_picture_itself_is_kept() -> None:
    panorama = b' xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:PoseRollDegrees="1"'
    burst = CAMERA + b' GCamera:BurstID="7"'
    of_picture = START + panorama + burst + KEPT + END
    assert without_appended(of_picture) == of_picture
    both = START + burst + b' GCamera:MotionPhoto="1"' + KEPT + END
    assert without_appended(both) == START + burst + KEPT + END
    assert without_appended(WITHOUT + bytes(9)) == WITHOUT + bytes(9)
    assert without_appended(b"no XML") == b"no XML"


@pytest.mark.parametrize(
    "xmp",
    [
        START + CONTAINER + KEPT + DIRECTORY,
        START + CONTAINER + KEPT + DIRECTORY + END + b"<more/>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + START + CONTAINER + KEPT + DIRECTORY + END,
        (START + CONTAINER + KEPT + DIRECTORY + END).decode().encode("utf-16"),
        START + CONTAINER + b' c="\xff"' + KEPT + DIRECTORY + END,
        b"http://ns.adobe.com/hdr-gain-map/1.0/",
    ],
)
def test_xmp_that_cannot_be_parsed_is_left_out_where_it_may_describe_more(xmp: bytes) -> None:
    is_seen = b"http://ns." in xmp
    assert without_appended(xmp) == (None if is_seen else xmp)


def test_a_bomb_of_entities_is_not_expanded() -> None:
    layers = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 9) for n in range(1, 12))
    bomb = b'<!DOCTYPE x [<!ENTITY a0 "ha">' + layers + b"]><x>&a11;</x>" + GAIN_MAP
    assert without_appended(bomb) is None


IPTC = b"\x1c\x02\x19\0\x06family\x1c\x02\x78\0\x05place"
THUMBNAIL = block(0x040C, bytes(28) + b"\xff\xd8\xff" * 9)
IPTC_BLOCK = block(0x0404, IPTC)
OTHERS = IPTC_BLOCK + block(0x03ED, bytes(16)) + block(0x0425, bytes(15))


def named_block(number: int, name: bytes, data: bytes) -> bytes:
    string = bytes([len(name)]) + name
    string += bytes(len(string) % 2)
    packed = struct.pack(">I", len(data)) + data + bytes(len(data) % 2)
    return b"8BIM" + struct.pack(">H", number) + string + packed


def jpeg(*parts: bytes) -> bytes:
    segments = (
        struct.pack(">HH", 0xFFED, len(part) + 16) + b"Photoshop 3.0\0" + part for part in parts
    )
    return encoded(smooth(), "JPEG", extra=b"".join(segments))


@pytest.mark.parametrize("number", [0x0409, 0x040C])
@pytest.mark.parametrize("name", [b"", b"a", b"ab"])
def test_photoshops_thumbnail_is_left_out(name: bytes, number: int) -> None:
    thumbnail = named_block(number, name, b"\xff\xd8\xff" * 9)
    named = named_block(0x07D0, b"a path", b"odd")
    cases = ([OTHERS + thumbnail + named], [thumbnail, OTHERS + named], [thumbnail + OTHERS, named])
    for parts in cases:
        found = read(jpeg(*parts), LIMIT)
        assert found.metadata.photoshop == OTHERS + named
        again = write(found, JPEG)
        assert b"\xff\xd8\xff\xff\xd8\xff" not in again
        assert read(again, LIMIT).metadata.photoshop == OTHERS + named


def test_a_resource_may_fill_several_segments() -> None:
    blocks = block(0x0404, IPTC * 4000) + THUMBNAIL + OTHERS
    at = 60_000
    found = read(jpeg(blocks[:at], blocks[at:]), LIMIT)
    assert found.metadata.photoshop == block(0x0404, IPTC * 4000) + OTHERS
    again = read(write(found, JPEG), LIMIT)
    assert again.metadata.photoshop == found.metadata.photoshop


def test_a_thumbnail_alone_leaves_nothing() -> None:
    found = read(jpeg(THUMBNAIL), LIMIT)
    assert found.metadata.photoshop is None
    for media_type in KINDS:
        assert b"8BIM" not in write(found, media_type)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ([(b"iptc", IPTC)], IPTC_BLOCK),
        ([(b"iptc", OTHERS)], OTHERS),
        ([(b"8bim", OTHERS + THUMBNAIL)], OTHERS),
        ([(b"8bim", OTHERS), (b"iptc", IPTC_BLOCK)], OTHERS),
        (
            [(b"8bim", block(0x03ED, b"")), (b"iptc", IPTC)],
            block(0x03ED, b"") + IPTC_BLOCK,
        ),
    ],
)
def test_iptc_as_imagemagick_writes_it_is_kept(
    profiles: list[tuple[bytes, bytes]], expected: bytes, compressed: bool
) -> None:
    chunks = []
    for name, data in profiles:
        keyword, text = raw_profile(name, data)
        packed = b"\0\0" + zlib.compress(text) if compressed else b"\0" + text
        chunks.append(chunk(b"zTXt" if compressed else b"tEXt", keyword + packed))
    found = read(file_of(np.asarray(smooth()), 2, 8, *chunks), LIMIT)
    assert found.metadata.photoshop == expected
    for media_type in (PNG, JPEG):
        again = read(write(found, media_type), LIMIT)
        assert again.metadata.photoshop == expected
    assert b"family" in write(found, JPEG)
    png = chunks_of(write(found, PNG))
    text = zlib.decompress(png[b"zTXt"].partition(b"\0\0")[2])
    assert text == raw_profile(b"iptc", expected)[1]
    assert b"family" not in write(found, WEBP)


@pytest.mark.parametrize("prefix", [b"", b"http://ns.adobe.com/xap/1.0/\0"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_xmp_as_imagemagick_writes_it_is_kept(kind: bytes, prefix: bytes) -> None:
    keyword, text = raw_profile(b"APP1" if prefix else b"xmp", prefix + WITHOUT)
    packed = b"\0\0" + zlib.compress(text) if kind == b"zTXt" else b"\0" + text
    found = read(file_of(np.asarray(smooth()), 2, 8, chunk(kind, keyword + packed)), LIMIT)
    assert found.metadata.xmp == WITHOUT
    for media_type in KINDS:
        assert opened(write(found, media_type)).info["xmp"] == WITHOUT
