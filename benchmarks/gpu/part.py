"""python -m benchmarks.gpu.part NAME: one part, in a process of its own; rows as lines of JSON."""

import importlib
import sys

from benchmarks.gpu.clock import Clock
from benchmarks.gpu.options import PARTS, parser
from benchmarks.gpu.stand import Stand


def main() -> int:
    """Run the command line; return 1 where the part could not be measured."""
    arguments = parser("python -m benchmarks.gpu.part", __doc__)
    arguments.add_argument("part", choices=list(PARTS))
    options = arguments.parse_args()
    part = importlib.import_module(f"benchmarks.gpu.{options.part}")
    try:
        for row in part.measure(Stand(options, Clock(options.budget))):
            print(row.line(), flush=True)
    except Exception as error:  # noqa: BLE001 - the text is the reason in the table
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
