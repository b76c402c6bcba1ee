"""python -m service: the command line under the name that it has in a clone."""

import sys

from service.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m service"))
