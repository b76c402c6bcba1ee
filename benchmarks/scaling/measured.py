"""What the simulation starts from: measured figures with their sources, and one assumption."""

from benchmarks.scaling.capacity import Work

PHOTOGRAPH_SECONDS = 23.99
"""Processor seconds of a JPEG of 12 megapixels, decoded, denoised and encoded, in float32.

Source: docs/sizing.md, "What a processor does"."""

PHOTOGRAPH_BYTES = 0.6 * 12e6, 0.3 * 12e6
"""Of such a JPEG of quality 90, with white noise of 25 and denoised.

Source: docs/sizing.md, "Disk and network"."""

THUMBNAIL_SECONDS = 0.16e-3
"""Processor seconds of one 28x28 image in JSON, denoised. Source: as of photographs."""

THUMBNAIL_BYTES = 4172, 9918
"""Of the request and of the response of that measurement.

Source: the first image of benchmarks.images.noisy(), by /denoise?model=denoising-dropout."""

PACKED_SECONDS = 13e-3 / 256
"""Processor seconds of one of 256 in an npy array, denoised. Source: as of photographs."""

PACKED = 1024
"""Images in an array of an object."""

PACKED_BYTES = (28 * 28 * 4 + 128 / PACKED,) * 2
"""Of one of them, before and after: 32-bit floats, and the header of the format npy."""

PARALLEL = 0.9
"""Assumed: how busy a photograph that is alone keeps the processors of a replica, 0 to 1."""

WORKS = (
    Work("10 million photographs of 12 MP", 10e6, PHOTOGRAPH_SECONDS, *PHOTOGRAPH_BYTES),
    Work("the same in bfloat16", 10e6, PHOTOGRAPH_SECONDS / 1.74, *PHOTOGRAPH_BYTES),
    Work(
        "a billion thumbnails, each a request and an object",
        1e9,
        THUMBNAIL_SECONDS,
        *THUMBNAIL_BYTES,
    ),
    Work("the same in arrays of 1,024", 1e9, PACKED_SECONDS, *PACKED_BYTES, PACKED),
)
