"""Command line of training: `autoencoder-train`, or `python -m training`.

Every command finds the models' families in the registry; heavy packages are imported by what runs.
"""

import argparse
import sys
from collections.abc import Callable

from service.errors import ServiceError
from training.parser import parser

EXTRAS = {"optuna": "search", "mlflow": "mlflow"}
"""What brings a package that only some options need."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the program's name, by default that of the process.

    Returns:
        0, the exit status of success.

    Raises:
        SystemExit: With 2 for arguments that cannot be used, with 130 where the command was
            stopped, and with the error's text, which exits with 1, where it failed.
    """
    options = parser().parse_args(arguments)
    options.words = sys.argv[1:] if arguments is None else arguments
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "", "")
        sys.exit(
            f"{error.name}: expected an installed package, received none; "
            f"pip install 'autoencoder-service[cpu,train{',' * bool(extra)}{extra}]', "
            f"or in a clone make setup EXTRAS={extra}"
        )
    except (OSError, ValueError, FloatingPointError, ServiceError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        print("\nstopped; call it again to resume after the last checkpoint", file=sys.stderr)
        sys.exit(130)
    return 0
