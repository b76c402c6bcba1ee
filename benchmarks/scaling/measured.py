"""What the simulation starts from: the measured figures of docs/sizing.md, and one assumption."""

from benchmarks.scaling.capacity import Work

PHOTOGRAPH_SECONDS = 23.99
"""Processor seconds of a JPEG of 12 megapixels, decoded, denoised and encoded, in float32."""

PHOTOGRAPH_BYTES = 0.6 * 12e6, 0.3 * 12e6
"""Of such a JPEG of quality 90, with white noise of 25 and denoised."""

THUMBNAIL_SECONDS = 0.16e-3
"""Processor seconds of one 28x28 image in JSON."""

PACKED_SECONDS = 13e-3 / 256
"""The same of one of 256 in an npy array."""

PARALLEL = 0.9
"""Assumed: how busy a photograph that is alone keeps the processors of a replica, 0 to 1."""

WORKS = (
    Work("10 million photographs of 12 MP", 10e6, PHOTOGRAPH_SECONDS, *PHOTOGRAPH_BYTES),
    Work("the same in bfloat16", 10e6, PHOTOGRAPH_SECONDS / 1.74, *PHOTOGRAPH_BYTES),
    Work("a billion thumbnails, each a request and an object", 1e9, THUMBNAIL_SECONDS, 800, 128),
    Work("the same in arrays of 1,024", 1e9, PACKED_SECONDS, 784, 120, items_an_object=1024),
)
