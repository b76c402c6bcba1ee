"""The libraries that photographs are compared with, each in an environment of its own."""

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
