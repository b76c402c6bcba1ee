"""The service on the device: start, first requests, small requests, photographs, memory."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.contenders import SERVICE
from benchmarks.gpu.card import memory, used_megabytes
from benchmarks.gpu.clock import Clock, milliseconds
from benchmarks.gpu.rows import Row, Value
from benchmarks.gpu.stand import Stand
from benchmarks.measure import WARM_UP
from benchmarks.measure import measure as load
from benchmarks.photographs.asking import STAGES, Answer, Asked, Client, check
from benchmarks.photographs.pictures import megapixels, noisy, sized
from benchmarks.photographs.service import Service, started
from service.images.png_encoder import encode

START, SMALL, LARGE = "Start", "Small requests, over HTTP", "Photographs, PNG in and out, over HTTP"


def measure(stand: Stand) -> Iterator[Row]:
    """Yield rows of a service that starts cold: nothing of it has run before."""
    options = stand.options
    command = SERVICE.command.replace("--device cpu", f"--device {stand.device}")
    contender = replace(SERVICE, command=command)
    programs, before = Path(sys.executable).parent, used_megabytes(stand.device)
    with started(options.models, options.model, programs, contender) as service:
        yield Row(
            START,
            "the service, all models",
            {
                "to the first right answer, s": service.server.ready,
                "GPU memory before, MB": before,
                **memory(stand.device, service.server.processes()),
            },
        )
        # Photographs first: they are what a GPU is for, and not to be left out for want of time.
        yield from _photographs(stand, service)
        for connections in options.connections:
            if stand.clock.left < 0:
                yield Row(SMALL, f"{connections} connections", note="no time was left")
            else:
                yield _small(stand, service, connections)


def _photographs(stand: Stand, service: Service) -> Iterator[Row]:
    with Client(service.server.url) as client:
        for size in stand.options.sizes:
            what = f"{size:g} MP"
            if stand.clock.left < 0:
                yield Row(LARGE, what, note="no time was left")
                continue
            pixels = noisy(sized(stand.picture, size))
            asked = service.denoise(encode(pixels, None), "image/png")
            first, *later = _answers(stand.clock, client, asked, stand.options.seconds)
            warm = milliseconds([each.seconds for each in later])
            stages: dict[str, Value] = {
                f"{stage}, ms": milliseconds([each.stages[stage] for each in later])
                for stage in STAGES
            }
            yield Row(
                LARGE,
                what,
                {
                    "first, ms": 1000 * first.seconds,
                    "then, ms": warm,
                    "MP/s": 1000 * megapixels([pixels]) / warm,
                    **stages,
                    **memory(stand.device, service.server.processes()),
                },
            )


def _answers(clock: Clock, client: Client, asked: Asked, seconds: float) -> list[Answer]:
    """Return two answers or more: the first, which is cold, and those within some seconds."""
    answers = [client.ask(asked)]
    clock.repeat(lambda: answers.append(client.ask(asked)), seconds)
    check(answers)
    return answers


def _small(stand: Stand, service: Service, connections: int) -> Row:
    """Return a load of one 28x28 image a request in JSON, in a closed loop."""
    seconds = stand.options.seconds
    run = load(
        service.server, connections=connections, seconds=seconds, warm_up=min(WARM_UP, seconds)
    )
    good = run["statuses"].get("200", {})
    return Row(
        SMALL,
        f"{connections} connections",
        {"answers/s": run["rps"], "p50, ms": good.get("p50"), "p99, ms": good.get("p99")},
        "" if set(run["statuses"]) == {"200"} else f"statuses {', '.join(run['statuses'])}",
    )
