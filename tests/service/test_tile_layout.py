"""How photographs are cut into tiles."""

import itertools

import pytest

from service.inference.tiling.layout import Span, Tiling
from service.manifest import Tiles
from tests.service.tile_runs import CORE, TILING

SIDES = (1, 2, 7, 8, 9, 31, 32, 33, 40, 47, 48, 49, 63, 65, 67, 200)


@pytest.mark.parametrize(("stride", "halo"), [(1, 0), (1, 3), (8, 0), (8, 2), (8, 32), (16, 24)])
@pytest.mark.parametrize("core", [1, 16, 33])
@pytest.mark.parametrize("bucket", [1, 3])
def test_tiles_keep_every_pixel_once_and_take_what_it_depends_on(
    stride: int, halo: int, core: int, bucket: int
) -> None:
    tiling = Tiling.of(Tiles(stride=stride, halo=halo), stride * bucket)
    multiple = tiling.multiple
    for size in SIDES:
        spans = [tile.rows for tile in tiling.cut(size, 1, core=core)]
        (length,) = {span.length for span in spans}
        assert length % multiple == 0
        assert length <= core + 2 * (halo + stride) + multiple
        kept = [pixel for span in spans for pixel in range(span.first, span.last)]
        assert kept == list(range(size))
        assert all(span.first < span.last for span in spans)
        assert all(span.start % stride == 0 <= span.start <= span.first for span in spans)
        for before, after in itertools.pairwise(spans):
            assert before.last + halo <= before.start + length
            assert after.first - halo >= after.start > before.start
        # The last one ends where the side does, and so does the only one, unless in a bucket.
        end = spans[-1].start + length
        padded = -(-size // stride) * stride
        assert end == (padded if len(spans) > 1 else max(padded, length))


def test_tiles_go_row_by_row_and_a_photograph_of_no_more_than_one_is_not_cut() -> None:
    tiles = TILING.cut(40, 33, core=CORE)
    assert tiles == [
        (Span(0, 32, 0, 24), Span(0, 32, 0, 24)),
        (Span(0, 32, 0, 24), Span(8, 32, 24, 33)),
        (Span(8, 32, 24, 40), Span(0, 32, 0, 24)),
        (Span(8, 32, 24, 40), Span(8, 32, 24, 33)),
    ]
    assert [tile.pixels for tile in tiles] == [576, 216, 384, 144]
    assert TILING.cut(32, 1, core=CORE) == [(Span(0, 32, 0, 32), Span(0, 8, 0, 1))]
