"""Command line of the service: python -m service serve|denoise|models|doctor."""

import argparse
import os
import sys
from collections.abc import Callable

from pydantic import ValidationError

from service.errors import ServiceError, StartupError
from service.files import command as offline
from service.pydantic_errors import faults
from service.settings import Settings, flag, named, variable


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the status to exit with.

    0; 1 where the command failed; 2 for settings and options that cannot be used; 130 if stopped.
    """
    options = _parser().parse_args(arguments)
    given = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
    command: Callable[[Settings, argparse.Namespace], int] = options.command
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for setting, fault in faults(error):
            print(f"{named(setting)}: {fault}", file=sys.stderr)
        return 2
    try:
        status = command(settings, options)
        print(end="", flush=True)
        return status
    except ServiceError as error:
        print(f"{error.title}: {error}", file=sys.stderr)
        return 1 if isinstance(error, StartupError) else 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # who reads has seen enough, as `head` has; nor is the rest for anyone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    from service.server.server import run

    return run(settings)


def _models(settings: Settings, _: argparse.Namespace) -> int:
    from service.inference.loader import find, load, nothing_in

    folders = find(settings.models)
    if not folders:
        raise nothing_in(settings.models)
    for folder in folders:
        model = load(folder, execution=settings.execution)
        operations = ", ".join(model.batchers)
        print(f"{model.name} {model.version}: {operations} on {model.provider}", flush=True)
    return 0


def _doctor(settings: Settings, _: argparse.Namespace) -> int:
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
        ("denoise", offline.run, offline.SUMMARY, offline.SETTINGS),
        ("models", _models, "load every model and list it", few),
        ("doctor", _doctor, "say what will run the models, and what is missing", few),
    ):
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        if name == "denoise":
            offline.add(added)
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
