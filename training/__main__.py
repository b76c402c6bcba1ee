"""The command line of training under both names: autoencoder-train, python -m training."""

import os
import sys


def main() -> int:
    """Run the command line, where what it needs is installed.

    Returns:
        The exit status; 1 where a package is missing.
    """
    # ONNX Runtime's builds report their use to Microsoft unless this is set before they are loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        from training.cli import main as run
    except ModuleNotFoundError as error:
        print(
            f"{error.name}: expected an installed package, received none; "
            "pip install --find-links dist 'autoencoder-service[cpu,train]'",
            file=sys.stderr,
        )
        return 1
    return run()


if __name__ == "__main__":
    sys.exit(main())
