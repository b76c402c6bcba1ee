"""Directories of TIFF files are read once each, within a bound for all of them."""

import struct

import pytest

from service.errors import MalformedBody
from service.images.decode import media_type_of, open_image
from service.images.formats import RAW, TIFF
from service.images.tiff_directory import MAX_ENTRIES, MAX_ENTRIES_IN_ALL, Tiff
from tests.service.format_files import bayer, dng, tiff
from tests.service.photograph_files import samples

HEADER = b"II*\0\x08\0\0\0"
BIG_HEADER = b"II+\0\x08\0\0\0\x10" + bytes(7)


def directory(count: int, following: int = 0, *, is_big: bool = False) -> bytes:
    """A directory of so many tags from 1000 on, each of one number: its own place in the list."""
    entry, counted, pointer = ("<HHQQ", "<Q", "<Q") if is_big else ("<HHII", "<H", "<I")
    entries = b"".join(struct.pack(entry, 1000 + each, 4, 1, each) for each in range(count))
    return struct.pack(counted, count) + entries + struct.pack(pointer, following)


@pytest.mark.parametrize("start", [b"", b"I", b"IM*\0\x08\0\0\0"])
def test_what_begins_otherwise_is_no_tiff(start: bytes) -> None:
    with pytest.raises(MalformedBody):
        Tiff(start)


@pytest.mark.parametrize("is_big", [False, True])
def test_a_directory_is_read_once_and_as_it_is(is_big: bool) -> None:
    header = BIG_HEADER if is_big else HEADER
    file = Tiff(header + directory(5, 77, is_big=is_big))
    entries, following = file.directory(file.start)
    numbers = {tag: file.numbers(entry) for tag, entry in entries.items()}
    assert numbers == {1000 + each: (each,) for each in range(5)}
    assert following == 77
    assert file.directory(file.start)[0] is entries


@pytest.mark.parametrize("is_big", [False, True])
def test_a_directory_that_is_cut_off_is_refused(is_big: bool) -> None:
    header = BIG_HEADER if is_big else HEADER
    body = header + directory(5, is_big=is_big)
    pointer = 8 if is_big else 4
    assert Tiff(body[:-pointer]).directory(len(header))[1] == 0
    for end in (len(body) - pointer - 1, len(header) + 1):
        with pytest.raises(MalformedBody, match="received a truncated one"):
            Tiff(body[:end]).directory(len(header))


def test_all_directories_of_a_file_have_a_bound_together() -> None:
    body = HEADER + directory(MAX_ENTRIES) + directory(MAX_ENTRIES) + directory(1)
    size = len(directory(MAX_ENTRIES))
    file = Tiff(body)
    for start in (8, 8 + size, 8):
        assert len(file.directory(start)[0]) == MAX_ENTRIES == MAX_ENTRIES_IN_ALL // 2
    with pytest.raises(MalformedBody, match="at most 0 entries of a directory, received 1"):
        file.directory(8 + 2 * size)
    with pytest.raises(MalformedBody, match="at most 4096 entries of a directory, received 4097"):
        Tiff(HEADER + directory(MAX_ENTRIES + 1)).directory(8)


def test_pages_are_counted_as_far_as_the_bound_goes() -> None:
    each = len(directory(1000))
    body = HEADER + b"".join(directory(1000, 8 + each * (n + 1)) for n in range(12))
    widths = body.replace(struct.pack("<HH", 1000, 4), struct.pack("<HH", 256, 4))
    file = Tiff(widths)
    assert file.pages(file.directory(8)[1]) == MAX_ENTRIES_IN_ALL // 1000


def test_the_first_of_many_numbers_is_read_alone() -> None:
    table = struct.pack("<HHHIII", 1, 262, 3, 9, 26, 0)
    file = Tiff(HEADER + table + struct.pack("<9H", *range(7, 16)))
    (entry,) = file.directory(8)[0].values()
    assert file.number(entry, 0) == 7
    assert file.numbers(entry, 2) == (7, 8)
    assert file.numbers(entry) == tuple(range(7, 16))


def test_a_raw_picture_behind_pointers_is_found_among_many() -> None:
    """As in NEF and ARW files: the first directory is of a thumbnail."""
    small = struct.pack("<HHHII", 2, 262, 3, 1, 2) + struct.pack("<HHII", 330, 4, 3, 38)
    sensor = struct.pack("<HHHIII", 1, 262, 3, 1, 32803, 0)
    other = struct.pack("<HHHIII", 1, 262, 3, 1, 2, 0)
    places = struct.pack("<3I", 50, 50, 50 + len(other))
    body = HEADER + small + bytes(4) + places + other + sensor
    assert media_type_of(body) == RAW
    assert media_type_of(body.replace(struct.pack("<I", 32803), struct.pack("<I", 2))) == TIFF
    assert media_type_of(dng(bayer())) == RAW


def test_an_ordinary_file_of_many_strips_is_opened() -> None:
    body = tiff(samples(1, size=(5000, 3))[..., 0], rowsperstrip=1)
    assert open_image(body).size == (3, 5000)
