"""Command line of the service: python -m service serve|models|doctor."""

import argparse
import os
import sys
from collections.abc import Callable

from pydantic import ValidationError

from service.errors import ServiceError
from service.settings import Settings, flag, named, variable
from service.validation import faults


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, 1 where the command failed, 2 for unusable settings."""
    options = vars(_parser().parse_args(arguments))
    command: Callable[[Settings], int] = options.pop("command")
    try:
        settings = Settings(**options)
    except ValidationError as error:
        for setting, fault in faults(error):
            print(f"{named(setting)}: {fault}", file=sys.stderr)
        return 2
    try:
        status = command(settings)
        print(end="", flush=True)
        return status
    except ServiceError as error:
        print(f"{error.title}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # who reads has seen enough, as `head` has; nor is the rest for anyone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _serve(settings: Settings) -> int:
    from service.server import run

    return run(settings)


def _models(settings: Settings) -> int:
    from service.inference.loading import find, load, nothing_in

    folders = find(settings.models)
    if not folders:
        raise nothing_in(settings.models)
    for folder in folders:
        model = load(folder, execution=settings.execution)
        operations = ", ".join(model.batchers)
        print(f"{model.name} {model.version}: {operations} on {model.provider}", flush=True)
    return 0


def _doctor(settings: Settings) -> int:
    from service.inference.doctor import examine

    findings = examine(settings.models, device=settings.device)
    for finding in findings:
        print(f"{finding.what}: {finding.found}")
        if finding.advice:
            print(f"  -> {finding.advice}")
    return 1 if any(finding.advice for finding in findings) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__)
    commands = parser.add_subparsers(required=True)
    few = ("models", "device")
    for name, command, text, settings in (
        ("serve", _serve, "answer requests over HTTP", tuple(Settings.model_fields)),
        ("models", _models, "load every model and list it", few),
        ("doctor", _doctor, "say what will run the models, and what is missing", few),
    ):
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        for setting in settings:
            field = Settings.model_fields[setting]
            added.add_argument(
                flag(setting),
                dest=setting,
                default=argparse.SUPPRESS,
                help=f"{field.description} (default {field.default}; {variable(setting)})",
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
