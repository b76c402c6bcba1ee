"""The command line under both of its names: autoencoder-service, and python -m service in a clone.

Without an extra, the package holds the client alone: a command then names the extras that serve.
"""

import os
import sys

EXTRAS = "one of the extras [cpu], [gpu] and [openvino]"


def main(prog: str = "autoencoder-service") -> int:
    """Run the command line, where what it needs is installed.

    Args:
        prog: The program's name in --help and --version.

    Returns:
        The exit status; 1 where a package is missing.
    """
    # ONNX Runtime's builds report their use to Microsoft unless this is set before they are loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        from service.cli import main as run
    except ModuleNotFoundError as error:
        print(
            f"{prog}: expected {EXTRAS} to be installed, received none: {error}; "
            "pip install --find-links dist 'autoencoder-service[cpu]'",
            file=sys.stderr,
        )
        return 1
    return run(prog=prog)


if __name__ == "__main__":
    sys.exit(main("python -m service"))
