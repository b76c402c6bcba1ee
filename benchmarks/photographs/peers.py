"""Who is compared with where photographs are: environments of their own, as contenders have."""

from benchmarks.contenders import Contender

FFDNET = Contender("ffdnet", "FFDNet", "onnx", "{bin}/python graph.py {file}", {})
CODECS = tuple(
    Contender(name, title, package, "{bin}/python photographs.py", {})
    for name, title, package in (
        ("pillow", "Pillow", "pillow"),
        ("opencv", "OpenCV", "opencv-python-headless"),
        ("vips", "libvips", "pyvips-binary"),
        ("imagecodecs", "imagecodecs", "imagecodecs"),
    )
)
