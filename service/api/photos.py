"""Photographs of any size: the codec of their files, and what runs them a tile at a time."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from service.api.body import Body
from service.api.codecs import multipart
from service.api.codecs.codec import Array, Checked, Codec, Declared, Encoded, Inputs
from service.api.media_types import ARRAYS, MULTIPART, MediaType, choose, preferred
from service.api.operations import BatchCodec
from service.api.query import Choice
from service.api.request import Exchange
from service.api.routing import Limits
from service.errors import BodyTooLarge, InvalidValue, NotAcceptable, ShapeMismatch
from service.images.decode import decode, open_image
from service.images.encode import QUALITY, check, writable, write
from service.images.photograph import MEDIA_TYPES, PNG, EncodedImage, Photograph
from service.inference.admission import Ticket
from service.inference.model import Model
from service.inference.tiling.denoise import Denoised, Denoiser

LEAST = 64 * 64
"""Pixels that each photograph of several counts as at least: what running it costs besides."""


class Tiles:
    """Runs photographs a tile at a time, between those of other requests."""

    def __init__(self, limits: Limits, denoiser: Denoiser) -> None:
        self._limits = limits
        self._denoiser = denoiser

    def check(self, codec: Codec, inputs: Inputs) -> Checked:
        """Return photographs that can run; their values are checked a tile at a time."""
        shape = inputs.array.shape
        # The pixels of files are admitted by now.
        pixels = 0 if codec.declared else self._pixels(codec, shape)
        codec.negotiate(len(inputs.array))
        size = self._limits.check_output(shape) if codec.has_floats() else 0
        seconds = codec.batcher.seconds(3 * pixels)
        return Checked(inputs, 1, size, seconds, pixels)

    def submit(
        self, exchange: Exchange, _codec: Codec, inputs: Inputs, ticket: Ticket
    ) -> asyncio.Task[Denoised]:
        """Queue the first tiles; the time limit starts anew with each tile that is done."""

        def done(pixels: int) -> None:
            ticket.done(pixels)
            exchange.progress()

        exchange.progress()
        return asyncio.create_task(
            self._denoiser.denoise_batch(
                inputs.array,
                sigmas=inputs.sigmas,
                strength=inputs.strength,
                done=done,
            )
        )

    def _pixels(self, codec: Codec, shape: tuple[int, ...]) -> int:
        """Return how many pixels will run for arrays (batch, height, width, 3) of photographs."""
        taken = codec.batcher.session.operation.input
        if len(shape) != len(taken.shape) or shape[-1] != taken.shape[-1]:
            raise ShapeMismatch(
                f"{taken.name}: expected ({', '.join(map(str, taken.shape))}), received {shape}"
            )
        if 0 in shape:
            raise InvalidValue(f"{taken.name}: expected a pixel at least, received {shape}")
        count, height, width, _ = shape
        pixels = count * (max(LEAST, height * width) if count > 1 else height * width)
        if pixels > self._limits.pixels:
            least = f" (each picture as {LEAST} at least)" if count > 1 else ""
            raise BodyTooLarge(
                f"{taken.name}: expected at most {self._limits.pixels} pixels{least}, "
                f"received {pixels}"
            )
        tiling = self._denoiser.tiling
        return count * tiling.padded(height) * tiling.padded(width)


class Photographs:
    """Makes the codecs of requests for models of photographs."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def __call__(
        self, model: Model, denoiser: Denoiser, media: MediaType, accept: str, choice: Choice
    ) -> Codec:
        """Return the codec of a request, as CodecOf says."""
        kind = ArrayCodec if media.name in ARRAYS else FileCodec
        tiles = Tiles(self._limits, denoiser)
        return kind(tiles, model, "denoise", media, accept, choice, self._limits)


class ArrayCodec(BatchCodec):
    """The codec of photographs in arrays (batch, height, width, 3), or one in a picture."""

    keeps_pixels = True

    def encode_picture(self, pixels: Array) -> bytes:
        return write(Photograph(pixels, None, PNG), self.answer, _quality(self.choice))


class FileCodec(BatchCodec):
    """The codec of photographs in files.

    One keeps its format, its depth and its metadata unless the client asks for another format or
    an array; several of one size become an array.
    """

    _images: Sequence[EncodedImage] = ()
    _photograph: Photograph | None = None

    def declared(self, body: Body) -> Declared:
        """Return what the files claim to hold.

        Raises:
            UnsupportedMediaType: A file is of another format.
            MalformedBody: A file cannot be opened.
            BodyTooLarge: They claim to hold more pixels than the limit.
        """
        is_form = self.media.name == MULTIPART
        files = multipart.files(body, self.media.boundary) if is_form else [body]
        most = self.limits.pixels
        self._images = [open_image(file, most) for file in files]
        pixels = sum(math.prod(image.size) for image in self._images)
        if pixels > most:
            raise BodyTooLarge(f"file: expected at most {most} pixels in all, received {pixels}")
        return Declared(len(self._images), pixels)

    def decode_now(self, _body: Body) -> None:
        return None

    def decode(self, _body: Body) -> Inputs:
        images, self._images = self._images, ()  # they go once they are decoded
        photographs = [decode(image) for image in images]
        del images
        if len(photographs) > 1:
            array = _stacked(photographs)
            self.answer = preferred(ARRAYS)[self.accept]
            return self.inputs_of(array)
        (photograph,) = photographs
        self.answer = _media_type(photograph, self.accept)
        if self.answer in ARRAYS:
            return self.inputs_of(_stacked(photographs))
        self._photograph = photograph
        return self.inputs_of(photograph.pixels[None])

    def negotiate(self, _count: int) -> None:
        """Do nothing: a file's pixels are laid out for the response, which decode() has chosen."""

    def encodes_now(self, _outputs: Array) -> bool:
        return False

    def encode(self, outputs: Array) -> Encoded:
        if self._photograph is None:
            return super().encode(outputs)
        # Lets go of the noisy pixels before the file takes memory too.
        photograph = self._photograph = replace(self._photograph, pixels=outputs[0])
        file = write(photograph, self.answer, _quality(self.choice))
        return Encoded(self.answer, (file,))


def _quality(choice: Choice) -> int:
    return QUALITY if choice.quality is None else choice.quality


def _media_type(photograph: Photograph, accept: str) -> str:
    """Return the media type that a client prefers of those that can hold a photograph."""
    try:
        return preferred((*writable(photograph), *ARRAYS))[accept]
    except NotAcceptable:
        check(photograph, choose(accept, (*MEDIA_TYPES, *ARRAYS)))  # which knows the reason
        raise


def _stacked(photographs: Sequence[Photograph]) -> Array:
    """Return photographs of one size as (batch, height, width, 3), of 16 bits if one is."""
    sizes = [photograph.pixels.shape[:2] for photograph in photographs]
    if len(set(sizes)) > 1:
        raise ShapeMismatch(
            "file: expected photographs of one size, received "
            + ", ".join(f"{width}x{height}" for height, width in sizes)
            + "; those of several sizes go into a request each"
        )
    deep = any(photograph.pixels.dtype == np.uint16 for photograph in photographs)
    stacked = np.empty((len(sizes), *sizes[0], 3), np.uint16 if deep else np.uint8)
    for place, photograph in zip(stacked, photographs, strict=True):
        pixels = photograph.pixels
        place[:] = pixels if pixels.ndim == 3 else pixels[..., None]
        if deep and pixels.dtype == np.uint8:
            np.multiply(place, 257, out=place)  # 65535 is as bright as 255
    return stacked
