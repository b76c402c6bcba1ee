"""XMP packets: made upright, with other sizes, without what is told of appended files."""

from xml.parsers import expat

from service.images import xmp
from tests.fuzz.target import Fault, Target
from tests.service.photograph_files import XMP

RDF = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="%b">'
    b"<rdf:Description%b</rdf:RDF></x:xmpmeta>"
)
SYNTAX = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
CAMERA, CONTAINER = (
    f"http://ns.google.com/photos/1.0/{name}/".encode() for name in ("camera", "container")
)


def run(data: bytes) -> None:
    for changed in (xmp.made_upright(data), xmp.resized(data, 640, 480)):
        if is_well_formed(data) and not is_well_formed(changed):
            raise Fault(f"expected what stays well-formed, received {changed!r}")
    left = xmp.without_appended(data)
    if left is not None and is_well_formed(data):
        if not is_well_formed(left):
            raise Fault(f"expected what stays well-formed, received {left!r}")
        if xmp.without_appended(left) != left:
            raise Fault(
                f"expected nothing more to leave out, received {xmp.without_appended(left)!r}"
            )


def is_well_formed(text: bytes) -> bool:
    """Return whether a text is XML with namespaces, in UTF-8 and without a DTD, as XMP is."""
    parser = expat.ParserCreate("UTF-8", " ")
    parser.StartDoctypeDeclHandler = _refuse
    text = text.rstrip(b"\0")
    try:
        text.decode()
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeDecodeError, _Doctype):
        return False
    return True


class _Doctype(Exception):
    """A document type declaration."""


def _refuse(*_: object) -> None:
    raise _Doctype


def seeds() -> list[bytes]:
    names = b' xmlns:GCamera="%b" xmlns:c="%b"' % (CAMERA, CONTAINER)
    return [
        XMP,
        RDF % (SYNTAX, names + b" GCamera:MotionPhoto='1' GCamera:Other=\"a'>b\"/>"),
        RDF
        % (SYNTAX, names + b"><c:Directory><rdf:Seq/></c:Directory><a>&lt;</a></rdf:Description>"),
        RDF % (SYNTAX, b' xmlns="%b" Directory="x"><Item/></rdf:Description>' % CONTAINER),
        RDF % (SYNTAX, b' xmlns:t="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'),
        b"<?xpacket begin='' id='W5M0'?><a tiff:ImageWidth='12' exif:PixelXDimension=\"3\"/>\0\0",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a xmlns:c="%b" c:d="&b;"/>' % CONTAINER,
    ]


WORDS = (
    CAMERA,
    CONTAINER,
    b"xmlns:",
    b"MotionPhoto",
    b'tiff:Orientation="6"',
    b"<!--",
    b"<![CDATA[",
    b"]]>",
    b"&#60;",
)
TARGET = Target(run, seeds, share=400, words=WORDS)
