"""Command line of the service: python -m service serve|models|doctor."""

import argparse
import sys
from collections.abc import Callable

from pydantic import ValidationError

from service.errors import ServiceError
from service.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, 1 where the command failed, 2 for unusable settings."""
    options = vars(_parser().parse_args(arguments))
    command: Callable[[Settings], int] = options.pop("command")
    try:
        settings = Settings(**options)
    except ValidationError as error:
        for each in error.errors():
            name = str(each["loc"][0])
            where = f"{_flag(name)} (SERVICE_{name.upper()})"
            print(f"{where}: {each['msg']}, received {each['input']!r}", file=sys.stderr)
        return 2
    try:
        return command(settings)
    except ServiceError as error:
        print(f"{error.title}: {error}", file=sys.stderr)
        return 1


def _serve(settings: Settings) -> int:
    from service.server import run

    return run(settings)


def _models(settings: Settings) -> int:
    from service.inference.loading import find, load

    for folder in find(settings.models):
        model = load(folder, execution=settings.execution)
        operations = ", ".join(model.batchers)
        print(f"{model.name} {model.version}: {operations} on {model.provider}")
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
                _flag(setting),
                dest=setting,
                default=argparse.SUPPRESS,
                help=f"{field.description} (default {field.default}; SERVICE_{setting.upper()})",
            )
    return parser


def _flag(setting: str) -> str:
    return "--" + setting.replace("_", "-")


if __name__ == "__main__":
    sys.exit(main())
