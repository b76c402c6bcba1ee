"""What runs requests for neighbours: items are encoded, then codings are looked for."""

import asyncio
from dataclasses import dataclass
from typing import cast

from service.api.codecs.codec import Array, Checked, Codec, Inputs
from service.api.codecs.neighbours import NeighboursCodec
from service.api.pipeline import Batches
from service.api.request import Exchange
from service.inference.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Searched:
    """Neighbours, float32 (batch, k, 2), and the seconds that they waited and ran."""

    output: Array
    queue: float
    inference: float


class Searches(Batches):
    """Runs two batches for items, one for codings, each shared with other requests."""

    def check(self, codec: Codec, inputs: Inputs) -> Checked:
        """Return inputs that can run, with what their search takes beside their encoding."""
        checked = super().check(codec, inputs)
        asked = cast("NeighboursCodec", codec)
        count, search = len(inputs.array), asked.search
        found = self._limits.check_output((count, asked.k, 2))
        if asked.of_codings:
            return checked
        assert asked.model.manifest.index
        size = count * asked.model.manifest.index.dimension
        seconds = search.seconds(size, asked.k)
        return Checked(inputs, checked.items, checked.size + found, checked.seconds + seconds)

    def submit(  # type: ignore[override] # a task is a future
        self, exchange: Exchange, codec: Codec, inputs: Inputs, _ticket: Ticket
    ) -> asyncio.Task[Searched]:
        """Queue inputs that are checked."""
        asked = cast("NeighboursCodec", codec)
        return asyncio.create_task(self._run(exchange, asked, inputs))

    async def _run(self, exchange: Exchange, codec: NeighboursCodec, inputs: Inputs) -> Searched:
        codings, queue, inference = inputs.array, 0.0, 0.0
        if not codec.of_codings:
            encoded = await codec.batcher.submit(codings, caller=exchange.caller)
            codings, queue, inference = encoded.output, encoded.queue, encoded.inference
        found = await codec.search.submit(codings, codec.k, caller=exchange.caller)
        return Searched(found.output, queue + found.queue, inference + found.inference)
