"""Throughput over HTTP, PNG in and PNG out, beside the session alone and FFDNet."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks.photographs.alone import Alone, Ffdnet, Ran
from benchmarks.photographs.asking import STAGES, Answer, together
from benchmarks.photographs.others import Others, note
from benchmarks.photographs.pictures import Pixels, as_file, megapixels, noisy, sized
from benchmarks.photographs.runs import Speeds, in_turn, ratios, told
from benchmarks.photographs.service import Service
from benchmarks.processes import available_bytes
from benchmarks.table import table

CONNECTIONS = (1, 2)
ROUND = 1.5
"""Megapixels that a round is of at least: small photographs are asked for several times."""
SMALL = 4.0
"""Megapixels up to which each runs once before it counts, and FFDNet is measured: in a larger one,
the first run is a small part, and FFDNet would take minutes and be no faster."""
WHOLE_BYTES = 600
"""Bytes of memory for each pixel that a run of the whole may have; a third of it may be left."""
TILES, WHOLE, FFDNET = "session, the same tiles", "session, whole", "FFDNet"


def over(connections: int) -> str:
    """What the speed over so many connections is called."""
    return f"HTTP, connections: {connections}"


@dataclass
class Result:
    """What photographs of one size gave.

    speeds: megapixels a second; stages: seconds of each, at one connection; ffdnet: the speeds to
    compare with; others: processors that anything else took.
    """

    megapixels: float
    bytes_in: int
    bytes_out: int
    speeds: Speeds
    stages: dict[str, list[float]]
    ffdnet: list[float] = field(default_factory=list)
    others: float = 0.0


@dataclass(frozen=True)
class Plan:
    """How often each is measured: in so many rounds, or until it has taken so many seconds."""

    rounds: int
    seconds: float


def measure(
    service: Service,
    alone: Alone,
    ffdnet: Ffdnet | None,
    source: Pixels,
    sizes: Sequence[float],
    plan: Plan,
) -> list[Result]:
    """Return what photographs of some sizes gave. Raises Unavailable for a wrong answer."""
    results: list[Result] = []
    for size in sizes:
        result = _of_size(service, alone, ffdnet, noisy(sized(source, size)), plan)
        if not result.ffdnet and results:
            result.ffdnet = results[-1].ffdnet
        results.append(result)
        speed = told(result.speeds[over(1)])
        print(f"speed: {result.megapixels:.2f} MP: {speed} MP/s", file=sys.stderr)
    return results


def _of_size(
    service: Service, alone: Alone, ffdnet: Ffdnet | None, pixels: Pixels, plan: Plan
) -> Result:
    size = megapixels([pixels])
    each = max(1, round(ROUND / size))
    asked = service.denoise(as_file(pixels, "PNG"), "image/png")
    answers: list[Answer] = []
    ran: list[Ran] = []

    def http(connections: int) -> float:
        seconds, few = together(asked, connections, each)
        if connections == 1:
            answers.extend(few)
        return connections * each * size / seconds

    def in_tiles() -> float:
        ran[:] = [alone.in_tiles(pixels)]
        return ran[0].speed

    def several(cell: Callable[[], float]) -> float:
        return statistics.harmonic_mean([cell() for _ in range(each)])

    cells: dict[str, Callable[[], float]] = {
        over(1): partial(http, 1),
        TILES: partial(several, in_tiles),
        over(2): partial(http, 2),
    }
    if available_bytes() > WHOLE_BYTES * size * 1e6:
        cells[WHOLE] = partial(several, partial(alone.whole, pixels))
    if size < SMALL and ffdnet is not None:
        cells[FFDNET] = partial(several, partial(ffdnet.whole, pixels))
    if size < SMALL:
        for cell in cells.values():
            cell()
        answers.clear()
    others = Others(service.server.processes)
    speeds = in_turn(cells, plan.rounds, plan.seconds)
    taken = others.processors()
    ran[0].check(answers[-1].body)
    return Result(
        round(size, 3),
        len(asked.body),
        len(answers[-1].body),
        speeds,
        times(answers),
        speeds.get(FFDNET, []),
        taken,
    )


def times(answers: Sequence[Answer]) -> dict[str, list[float]]:
    """Return the seconds of each stage, and of all together, one value an answer.

    rest: of those that the service does not tell of: to send and to receive, mostly.
    """
    given = {stage: [answer.stages[stage] for answer in answers] for stage in STAGES}
    rest = [answer.seconds - sum(answer.stages.values()) for answer in answers]
    return given | {"rest": rest, "all": [answer.seconds for answer in answers]}


def tables(results: Sequence[Result]) -> str:
    """Return what was measured as tables."""
    head = [
        "size", "connections", "HTTP, MP/s", TILES, WHOLE, "HTTP / tiles", "HTTP / whole",
        FFDNET, "HTTP / FFDNet", "notes",
    ]  # fmt: skip
    rows = [_row(result, connections) for result in results for connections in CONNECTIONS]
    spent = [
        [f"{result.megapixels:.2f} MP"]
        + [told([1000 * each for each in values], 0) for values in result.stages.values()]
        + [f"{result.bytes_in / 1e6:.2f} MB in, {result.bytes_out / 1e6:.2f} MB out"]
        for result in results
    ]
    stages = ["size", *(f"{name}, ms" for name in results[0].stages), "files"]
    return (
        f"## Speed: PNG in and PNG out, megapixels a second\n\n{table(head, rows)}\n"
        f"## Where the time goes, at 1 connection\n\n{table(stages, spent)}"
    )


def _row(result: Result, connections: int) -> list[str]:
    speeds = result.speeds
    http = speeds[over(connections)]
    ffdnet = statistics.median(result.ffdnet) if result.ffdnet else None
    return [
        f"{result.megapixels:.2f} MP",
        str(connections),
        told(http),
        told(speeds[TILES]),
        told(speeds.get(WHOLE, [])),
        told(ratios(http, speeds[TILES])),
        told(ratios(http, speeds.get(WHOLE, []))),
        told(speeds.get(FFDNET, [])),
        told([each / ffdnet for each in http]) if ffdnet else "-",
        note(result.others),
    ]
