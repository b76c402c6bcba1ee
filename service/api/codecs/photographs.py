"""Photographs of any size in bodies: files, which keep what came with them, and arrays."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.api.body import Body
from service.api.codecs.batch import BatchCodec
from service.api.codecs.codec import WARNING, Array, Declared, Encoded, Inputs
from service.api.media_types import ARRAYS, MediaType, choose, preferred
from service.api.query import Choice
from service.api.request import Header
from service.api.routing import Limits
from service.api.tiles import AS_FILES, PhotoRunner, tiles
from service.errors import BodyTooLarge, NotAcceptable, ShapeMismatch
from service.images.crop import crop
from service.images.decode import decode, open_image
from service.images.encode import check, writable, write
from service.images.formats import MEDIA_TYPES, PNG
from service.images.photograph import EncodedImage, Photograph
from service.inference.model import Model
from service.manifest import OperationName

MOST_WARNINGS = 64
"""Photographs in a header that says what could not be read."""


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
            return self.inputs_of_files(array)
        (photograph,) = photographs
        pixels = photograph.pixels[None]
        if region := self.choice.controls.region:
            region.check(*pixels.shape[1:3])
            photograph = crop(photograph, *region)
        self.answer = _media_type(photograph, self.accept)
        if self.answer in ARRAYS:
            return self.inputs_of_files(stacked(photographs))
        self._photograph = photograph
        return self.inputs_of_files(pixels)

    def negotiate(self, _count: int) -> None:
        """Do nothing: a file's pixels are laid out for the response, which decode() has chosen."""

    def has_floats(self) -> bool:
        return self.answer in ARRAYS

    def encodes_now(self, _outputs: Array) -> bool:
        return False

    def encode(self, outputs: Array) -> Encoded:
        if self._photograph is None:
            return replace(super().encode(outputs), headers=self._warnings)
        # Lets go of the noisy pixels before the file takes memory too.
        photograph = self._photograph = replace(self._photograph, pixels=outputs[0])
        file = write(photograph, self.answer, self.choice.quality)
        return Encoded(self.answer, (file,), self._warnings)

    def inputs_of_files(self, pixels: Array) -> Inputs:
        """Return the pixels of files as Inputs describes them, with what the query says of them."""
        sigma = self.choice.sigma
        sigmas = None if sigma is None else [sigma] * len(pixels)
        return Inputs(pixels, sigmas=sigmas, controls=self.choice.controls)


def warnings(photographs: Sequence[Photograph]) -> Sequence[Header]:
    """Return the header that says what of files could not be read, none where they are whole."""
    found = [
        each.warning if len(photographs) == 1 else f"{number}: {each.warning}"
        for number, each in enumerate(photographs, 1)
        if each.warning
    ]
    return ((WARNING, ", ".join(found[:MOST_WARNINGS]).encode()),) if found else ()


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
