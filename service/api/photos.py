"""Photographs of any size: the codec of their files, and what runs them a tile at a time."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from service.api.body import Body
from service.api.codecs.codec import (
    WARNING,
    Array,
    Checked,
    Codec,
    Declared,
    Encoded,
    Inputs,
    Runner,
)
from service.api.media_types import ARRAYS, ZIP, MediaType, choose, preferred
from service.api.operations import BatchCodec
from service.api.query import Choice
from service.api.request import Exchange, Header
from service.api.routing import Limits
from service.errors import BodyTooLarge, InvalidValue, NotAcceptable, ShapeMismatch
from service.images.crop import crop
from service.images.decode import decode, open_image
from service.images.encode import check, writable, write
from service.images.formats import MEDIA_TYPES, PNG
from service.images.photograph import EncodedImage, Photograph
from service.inference.admission import Ticket
from service.inference.batcher import Batcher
from service.inference.model import Model
from service.inference.tiling.controls import Controls
from service.inference.tiling.denoise import Denoised, Denoiser
from service.manifest import PHOTOGRAPHS, OperationName

LEAST = 64 * 64
"""Pixels that each photograph of several counts as at least: what running it costs besides."""
MOST_LEVELS = 64
"""Noise levels in a header; those of more photographs are left out."""


AS_FILES = f"photographs of any sizes come back as files with Accept: {ZIP}"
"""What to do where several photographs cannot come back as one array."""


class PhotoRunner(Runner, Protocol):
    """Runs photographs of any size."""

    def seconds(self, pixels: int, controls: Controls, /) -> float:
        """Return how long a photograph of so many pixels will keep the session busy."""
        ...


class Tiles:
    """Runs photographs a tile at a time, between those of other requests."""

    def __init__(self, limits: Limits, batcher: Batcher, denoiser: Denoiser) -> None:
        self._limits = limits
        self._batcher = batcher
        self._denoiser = denoiser

    def seconds(self, pixels: int, controls: Controls) -> float:
        if controls.region:
            pixels = min(pixels, self._denoiser.tiling.most_around(controls.region))
        return controls.effort * self._batcher.seconds(3 * pixels)

    def check(self, codec: Codec, inputs: Inputs) -> Checked:
        """Return photographs that can run; their values are checked a tile at a time."""
        shape, controls = inputs.array.shape, inputs.controls
        pixels, seconds = 0, 0.0
        if not codec.declared:  # the pixels of files are admitted by now
            count, height, width = size(shape, self._limits)
            tiling = self._denoiser.tiling
            each = tiling.padded(height) * tiling.padded(width)
            pixels, seconds = count * each, count * self.seconds(each, controls)
        if region := controls.region:
            region.check(*shape[1:3])
            shape = (shape[0], region.height, region.width, *shape[3:])
        codec.negotiate(len(inputs.array))
        are_files = bool(codec.declared) and shape[0] > 1
        output = self._output(shape, are_files=are_files) if codec.has_floats() else 0
        return Checked(inputs, 1, output, seconds, pixels)

    def _output(self, shape: tuple[int, ...], *, are_files: bool) -> int:
        try:
            return self._limits.check_output(shape)
        except BodyTooLarge as error:
            if not are_files:
                raise
            raise BodyTooLarge(f"{error}; {AS_FILES}") from error

    def submit(
        self, exchange: Exchange, _codec: Codec, inputs: Inputs, ticket: Ticket
    ) -> asyncio.Task[Denoised]:
        """Queue the first tiles; the time limit starts anew with each tile that is done."""
        exchange.progress()
        return asyncio.create_task(self._run(exchange, inputs, ticket))

    async def _run(self, exchange: Exchange, inputs: Inputs, ticket: Ticket) -> Denoised:
        def done(pixels: int) -> None:
            ticket.done(pixels)
            exchange.progress()

        return await self._denoiser.denoise_batch(
            inputs.array, sigmas=inputs.sigmas, controls=inputs.controls, done=done
        )

    def headers(self, result: Denoised) -> Sequence[Header]:
        """Return X-Noise-Sigma, where noise levels are known."""
        if not 0 < len(result.noise) <= MOST_LEVELS:
            return ()
        levels = ", ".join(f"{noise.sigma:.2f}" for noise in result.noise)
        return ((b"x-noise-sigma", levels.encode()),)


def size(shape: tuple[int, ...], limits: Limits) -> tuple[int, int, int]:
    """Return number, height and width of photographs in an array of a shape.

    Raises:
        ShapeMismatch: It is none of photographs.
        InvalidValue: They have no pixels.
        BodyTooLarge: They have more than the limit.
    """
    if len(shape) != len(PHOTOGRAPHS) or shape[-1] != PHOTOGRAPHS[-1]:
        raise ShapeMismatch(
            f"images: expected ({', '.join(map(str, PHOTOGRAPHS))}), received {shape}"
        )
    if 0 in shape:
        raise InvalidValue(f"images: expected a pixel at least, received {shape}")
    count, height, width, _ = shape
    pixels = count * (max(LEAST, height * width) if count > 1 else height * width)
    if pixels > limits.pixels:
        least = f" (each picture as {LEAST} at least)" if count > 1 else ""
        raise BodyTooLarge(
            f"images: expected at most {limits.pixels} pixels{least} (SERVICE_MAX_PIXELS), "
            f"received {pixels}"
        )
    return count, height, width


@dataclass(frozen=True)
class Photographs:
    """Makes the codecs of requests for one operation on photographs.

    Args:
        operation: The operation.
        runner_of: Returns what runs photographs by a model.
        of_arrays: The codec of photographs in arrays.
        of_files: The codec of photographs in files.
        limits: What a single request may ask for.
    """

    operation: OperationName
    runner_of: Callable[[Model, Limits], PhotoRunner]
    of_arrays: type[BatchCodec]
    of_files: type[BatchCodec]
    limits: Limits

    def __call__(self, model: Model, media: MediaType, accept: str, choice: Choice) -> BatchCodec:
        """Return the codec of a request, as CodecOf says."""
        kind = self.of_arrays if media.name in ARRAYS else self.of_files
        runner = self.runner_of(model, self.limits)
        return kind(runner, model, self.operation, media, accept, choice, self.limits)


def codecs(limits: Limits) -> Photographs:
    """Return what makes the codecs of requests to denoise photographs."""
    return Photographs("denoise", tiles, ArrayCodec, FileCodec, limits)


def tiles(model: Model, limits: Limits) -> Tiles:
    """Return what denoises photographs by a model of these."""
    assert model.denoiser is not None
    return Tiles(limits, model.batchers["denoise"], model.denoiser)


class ArrayCodec(BatchCodec):
    """The codec of photographs in arrays (batch, height, width, 3), or one in a picture."""

    keeps_pixels = True

    def encode_picture(self, pixels: Array) -> bytes:
        return write(Photograph(pixels, None, PNG), self.answer, self.choice.quality)


class FileCodec(BatchCodec):
    """The codec of photographs in files.

    One keeps its format, its depth and its metadata unless the client asks for another format or
    an array; several of one size become an array.
    """

    runner: PhotoRunner
    _images: Sequence[EncodedImage] = ()
    _photograph: Photograph | None = None
    _warnings: Sequence[Header] = ()

    def declared(self, body: Body) -> Declared:
        """Return what the files claim to hold.

        Raises:
            UnsupportedMediaType: A file is of another format.
            MalformedBody: A file cannot be opened.
            BodyTooLarge: They claim to hold more pixels than the limit.
        """
        files, self.files = self.files or [body], ()
        most = self.limits.pixels
        self._images = [open_image(file, most, self.limits.policy) for file in files]
        sizes = [math.prod(image.size) for image in self._images]
        pixels = sum(sizes)
        if pixels > most:
            raise BodyTooLarge(
                f"form: expected at most {most} pixels in all (SERVICE_MAX_PIXELS), received "
                f"{pixels}; {AS_FILES}"
            )
        seconds = sum(self.runner.seconds(each, self.choice.controls) for each in sizes)
        return Declared(len(sizes), pixels, seconds)

    def decode_now(self, _body: Body) -> None:
        return None

    def decode(self, _body: Body) -> Inputs:
        images, self._images = self._images, ()  # they go once they are decoded
        photographs = [decode(image) for image in images]
        del images
        self._warnings = warnings(photographs)
        if len(photographs) > 1:
            array = stacked(photographs)
            self.answer = preferred(ARRAYS)[self.accept]
            return self.inputs_of(array)
        (photograph,) = photographs
        pixels = photograph.pixels[None]
        if region := self.choice.controls.region:
            region.check(*pixels.shape[1:3])
            photograph = crop(photograph, *region)
        self.answer = _media_type(photograph, self.accept)
        if self.answer in ARRAYS:
            return self.inputs_of(stacked(photographs))
        self._photograph = photograph
        return self.inputs_of(pixels)

    def negotiate(self, _count: int) -> None:
        """Do nothing: a file's pixels are laid out for the response, which decode() has chosen."""

    def encodes_now(self, _outputs: Array) -> bool:
        return False

    def encode(self, outputs: Array) -> Encoded:
        if self._photograph is None:
            return replace(super().encode(outputs), headers=self._warnings)
        # Lets go of the noisy pixels before the file takes memory too.
        photograph = self._photograph = replace(self._photograph, pixels=outputs[0])
        file = write(photograph, self.answer, self.choice.quality)
        return Encoded(self.answer, (file,), self._warnings)


def warnings(photographs: Sequence[Photograph]) -> Sequence[Header]:
    """Return the header that says what of files could not be read, none where they are whole."""
    found = [
        each.warning if len(photographs) == 1 else f"{number}: {each.warning}"
        for number, each in enumerate(photographs, 1)
        if each.warning
    ]
    return ((WARNING, ", ".join(found[:MOST_LEVELS]).encode()),) if found else ()


def _media_type(photograph: Photograph, accept: str) -> str:
    """Return the media type that a client prefers of those that can hold a photograph."""
    try:
        return preferred((*writable(photograph), *ARRAYS))[accept]
    except NotAcceptable as error:
        try:
            wanted = choose(accept, (*MEDIA_TYPES, *ARRAYS))
        except NotAcceptable:
            raise error from None  # which lists what can be written
        check(photograph, wanted)  # which knows the reason
        raise


def stacked(photographs: Sequence[Photograph]) -> Array:
    """Return photographs of one size as (batch, height, width, 3), of 16 bits if one is."""
    sizes = [photograph.pixels.shape[:2] for photograph in photographs]
    if len(set(sizes)) > 1:
        raise ShapeMismatch(
            "form: expected photographs of one size, received "
            + ", ".join(f"{width}x{height}" for height, width in sizes)
            + f"; {AS_FILES}"
        )
    deep = any(photograph.pixels.dtype == np.uint16 for photograph in photographs)
    stacked = np.empty((len(sizes), *sizes[0], 3), np.uint16 if deep else np.uint8)
    for place, photograph in zip(stacked, photographs, strict=True):
        pixels = photograph.pixels
        place[:] = pixels if pixels.ndim == 3 else pixels[..., None]
        if deep and pixels.dtype == np.uint8:
            np.multiply(place, 257, out=place)  # 65535 is as bright as 255
    return stacked
