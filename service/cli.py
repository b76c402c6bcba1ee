"""Command line: autoencoder-service serve | denoise | encode | models | doctor | keys.

Imports of what runs a command wait until it runs, so that --help comes at once.
"""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import ValidationError

from service import __version__, standard_output
from service.access import command as keys
from service.errors import ClusterError, OutputError, ServiceError, StartupError, StoreError
from service.files import arguments as of_files
from service.files import command as files
from service.files.codings import arguments as of_codings
from service.files.codings import command as codings
from service.pydantic_errors import faults
from service.ray import batch_arguments as of_ray
from service.setting_names import flag, named, variable
from service.settings import Settings

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

DESCRIPTION = "Serve autoencoders over HTTP, or run them on files."

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: list[str] | None = None, *, prog: str = "autoencoder-service") -> int:
    """Run the command line.

    Args:
        arguments: those after the program's name; None for those of this process.
        prog: the program's name in --help and --version.

    Returns:
        The exit status: 0; 1 if the command failed; 2 if a setting or an option cannot be used;
        130 after Ctrl-C.
    """
    try:
        return _run(_parser(prog).parse_args(arguments))
    except ServiceError as error:
        _complain(f"{error.title}: {error}")
        failed = StartupError | OutputError | StoreError | ClusterError
        return 1 if isinstance(error, failed) else 2
    except KeyboardInterrupt:
        _complain("stopped")
        return 130
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        return 0


def _run(options: argparse.Namespace) -> int:
    given = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for setting, fault in faults(error):
            _complain(f"{named(setting.partition('.')[0])}: {fault}")  # of a list, the whole
        return 2
    command: Command = options.command
    try:
        return command(settings, options)
    except (ImportError, AttributeError):
        from service.inference.builds import available_providers

        available_providers()  # raises where ONNX Runtime, missing or broken, is the cause
        raise


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    from service.server.server import run

    return run(settings)


def _denoise(settings: Settings, options: argparse.Namespace) -> int:
    if options.ray is None:
        return files.run(settings, options)
    from service.ray import batch_denoise

    return batch_denoise.run(settings, options)


def _encode(settings: Settings, options: argparse.Namespace) -> int:
    if options.ray is None:
        return codings.run(settings, options)
    from service.ray import batch_encode

    return batch_encode.run(settings, options)


def _models(settings: Settings, _: argparse.Namespace) -> int:
    from service.inference.loader import find, load, nothing_in

    folders = find(settings.models)
    if not folders:
        raise nothing_in(settings.models)
    for folder in folders:
        model = load(folder, execution=settings.execution)
        operations = ", ".join(model.batchers)
        standard_output.write(f"{model.name} {model.version}: {operations} on {model.provider}")
    return 0


def _doctor(settings: Settings, _: argparse.Namespace) -> int:
    from service.images.formats import BY_TYPE, labels, written
    from service.inference.doctor import Finding, examine

    findings = [
        *examine(settings.models, device=settings.device, precision=settings.openvino_precision),
        Finding("formats read", labels(settings.formats)),
        Finding("formats written", ", ".join(BY_TYPE[each].label for each in written())),
        *(Finding("format not read", line) for line in settings.formats_in_vain()),
    ]
    for finding in findings:
        standard_output.write(f"{finding.what}: {finding.found}")
        if finding.advice:
            standard_output.write(f"  -> {finding.advice}")
    return 1 if any(finding.advice for finding in findings) else 0


def _keys(settings: Settings, options: argparse.Namespace) -> int:
    return keys.run(settings.api_keys_file, options)


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Print help and versions so that a failure is an error: argparse ignores it."""
        if message and file is sys.stdout:
            standard_output.write(message.removesuffix("\n"))
        else:
            super()._print_message(message, file)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=prog, description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    few = ("models", "device")
    for name, command, summary, settings in (
        ("serve", _serve, "serve models over HTTP", tuple(Settings.model_fields)),
        ("denoise", _denoise, of_files.SUMMARY, of_files.SETTINGS),
        ("encode", _encode, of_codings.SUMMARY, of_files.SETTINGS),
        ("models", _models, "load every model and list its operations", few),
        ("doctor", _doctor, "report what will run the models, and what is missing", few),
    ):
        added = commands.add_parser(name, help=summary, description=summary)
        added.set_defaults(command=command)
        if name == "denoise":
            of_files.add(added)
        if name == "encode":
            of_codings.add(added)
        if name in ("denoise", "encode"):
            of_ray.add(added)
        for setting in settings:
            field = Settings.model_fields[setting]
            value = field.default
            value = ",".join(value) if isinstance(value, tuple) else value
            default = "" if value is None else f"default {value}; "
            added.add_argument(
                flag(setting),
                dest=setting,
                default=argparse.SUPPRESS,
                help=f"{field.description} ({default}{variable(setting)})",
            )
    actions = commands.add_parser("keys", help=keys.SUMMARY, description=keys.SUMMARY)
    actions.set_defaults(command=_keys)
    keys.add(actions, variable("api_keys_file"))
    return parser


def _complain(line: str) -> None:
    if sys.stderr is not None:  # print() would take None for standard output
        print(line, file=sys.stderr)
