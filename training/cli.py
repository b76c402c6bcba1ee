"""Command line of training: `autoencoder-train`, or `python -m training`.

Every command finds the models' families in the registry; heavy packages are imported by what runs.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import service
from service.errors import ServiceError
from service.index import Metric
from training import families
from training.arguments import Command, positive
from training.families import DEFAULT, FAMILIES
from training.family import Family, read_manifest

NAME = "autoencoder-train"
ALL = "all"
EXTRAS = {"optuna": ",search", "mlflow": ",mlflow"}
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
    options = _parser().parse_args(arguments)
    options.words = sys.argv[1:] if arguments is None else arguments
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except ModuleNotFoundError as error:
        sys.exit(
            f"{error.name}: expected an installed package, received none; "
            f"pip install 'autoencoder-service[cpu,train{EXTRAS.get(error.name or '', '')}]'"
        )
    except (OSError, ValueError, FloatingPointError, ServiceError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        print("\nstopped; call it again to resume after the last checkpoint", file=sys.stderr)
        sys.exit(130)
    return 0


def _train(options: argparse.Namespace) -> None:
    if (name := getattr(options, "name", None)) in families.names():
        raise ValueError(f"--name: expected another name than those of shipped models: {name}")
    if name and ALL in options.names:
        raise ValueError(f"names: expected one recipe with --name, received {ALL}")
    family, names = _trainable("train", options)
    family.train(names, options)


def _export(options: argparse.Namespace) -> None:
    family, names = _trainable("export", options)
    folders = {name: options.models / name / str(options.version) for name in names}
    for folder in folders.values():
        if folder.exists() and not options.replace:
            raise FileExistsError(
                f"{folder}: expected a version that does not exist yet, received one that does; "
                "--version names another, --replace replaces it"
            )
    family.export(folders, options)


def _evaluate(options: argparse.Namespace) -> None:
    for family, folders in _exported("evaluate", options).items():
        family.evaluate(folders, options)


def _index(options: argparse.Namespace) -> None:
    for family, folders in _exported("index", options).items():
        family.index(folders, options)


def _exported(command: Command, options: argparse.Namespace) -> dict[Family, list[Path]]:
    """Return the folders of exported models that are named, by their families.

    Raises:
        FileNotFoundError: There are no models.
        ValueError: One of them is none, or an option is of another family.
    """
    from service.inference.loader import newest

    exported = newest(options.models)
    if not exported:
        raise FileNotFoundError(
            f"{options.models}: expected folders <name>/<version>/ of exported models, received "
            "none; --models names another folder"
        )
    chosen: dict[Family, list[Path]] = {}
    for name in exported if ALL in options.names else options.names:
        version = options.version
        folder = options.models / name / str(version) if version else exported.get(name)
        if folder is None:
            raise ValueError(f"name: expected one of {', '.join(exported)}, received {name}")
        chosen.setdefault(families.of_manifest(read_manifest(folder)), []).append(folder)
    if ALL in options.names:
        wanted = _given(command, options) or [DEFAULT]
        chosen = {family: folders for family, folders in chosen.items() if family in wanted}
    _complete(command, list(chosen), options)
    return chosen


def _figures(options: argparse.Namespace) -> None:
    chosen = _given("figures", options) or [DEFAULT]
    _complete("figures", chosen, options)
    for family in chosen:
        family.draw(options)


def _report(options: argparse.Namespace) -> None:
    family, names = _trainable("report", options)
    from training.report import page, tracking
    from training.report.measure import measure

    for name in names:
        run = options.runs / name
        results = family.results(run, options)
        measured = measure(results)
        path = page.write(results, measured, run / page.FILE_NAME)
        print(path)
        if options.mlflow is not None:
            uri = tracking.destination(options.mlflow, options.runs)
            model = _exported_model(options.models, run)
            print(f"{uri}: {tracking.log(results, measured, uri, report=path, model=model)}")


def _exported_model(models: Path, run: Path) -> Path | None:
    """Return the newest exported version of a training, None where there is none."""
    from service.inference.loader import newest
    from training.record import trained_at

    folder = newest(models).get(run.name)
    if folder and read_manifest(folder).provenance.trained_at == trained_at(run):
        return folder
    return None


def _compare(options: argparse.Namespace) -> None:
    family, names = _trainable("compare", options)
    if len(names) != 2:
        raise ValueError(f"names: expected two trainings, received {' '.join(options.names)}")
    from training.report import compare

    first, second = (family.results(options.runs / name, options) for name in names)
    path = options.out or options.runs / names[0] / f"compared-with-{names[1]}.html"
    print(compare.write((first, second), path).table())
    print(path)


def _trainable(command: Command, options: argparse.Namespace) -> tuple[Family, list[str]]:
    """Return the family that the names belong to, and the names, `all` resolved.

    Raises:
        ValueError: The names are of several families, or an option is of another one.
    """
    if ALL in options.names:
        family = next(iter(_given(command, options)), DEFAULT)
        names = list(family.names)
    else:
        names = list(dict.fromkeys(options.names))
        family = families.of_name(command, names[0], options)
        own = [name for name in names if family.claims(command, name, options)]
        if own != names:
            raise ValueError(
                f"names: expected {' '.join(own)} alone, received {' '.join(options.names)}"
            )
    _complete(command, [family], options)
    return family, names


def _given(command: Command, options: argparse.Namespace) -> list[Family]:
    """Return the families of which options are given; one of several families is the first's."""
    chosen: list[Family] = []
    seen: set[str] = set()
    for family in FAMILIES:
        flags = {each.destination for each in family.arguments(command)}
        if any(flag in options for flag in flags - seen):
            chosen.append(family)
        seen |= flags
    return chosen


def _complete(command: Command, chosen: Sequence[Family], options: argparse.Namespace) -> None:
    """Fill in the defaults of the chosen families' options.

    Raises:
        ValueError: An option of a family that is not chosen is given.
    """
    expected = {each.flag for family in chosen for each in family.arguments(command)}
    for family in FAMILIES:
        for each in family.arguments(command):
            if family in chosen:
                vars(options).setdefault(each.destination, each.default)
            elif each.flag not in expected and each.destination in options:
                named = " ".join(getattr(options, "names", []))
                raise ValueError(f"{each.flag}: expected no such option for {named or command}")


def _parser() -> argparse.ArgumentParser:
    is_script = Path(sys.argv[0]).stem == NAME
    parser = argparse.ArgumentParser(
        prog=NAME if is_script else "python -m training",
        description="Train autoencoders, export them to ONNX, measure and draw them.",
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {service.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: Command, run: object, text: str, *shared: str, names: str | None, known: bool = True
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        added.set_defaults(run=run)
        if names is not None:
            kind: Callable[[str], str] = _trainable_name if known else str
            added.add_argument("names", nargs="+", type=kind, help=names)
        for flag in shared:
            added.add_argument(f"--{flag}", **SHARED[flag])
        declared: set[str] = set()
        for family in FAMILIES:
            group = added.add_argument_group(family.title)
            for each in family.arguments(name):
                if each.flag not in declared:
                    group.add_argument(each.flag, default=argparse.SUPPRESS, **each.settings)
                declared.add(each.flag)
        return added

    which = "or all: of the family whose options are given, by default of Fashion-MNIST"
    trained = command(
        "train", _train, "train models, or resume stopped trainings", "runs",
        names=f"models to train, {which}; one recipe with --name",
    )  # fmt: skip
    trained.add_argument("--seed", type=int, default=42, help="of weights, batches and noise")
    trained.add_argument(
        "--again", action="store_true", help="train anew, in place of what is in the folder"
    )
    exported = command(
        "export", _export, "export trained models as ONNX, with manifests", "runs", "models",
        names=f"models to export, {which}", known=False,
    )  # fmt: skip
    exported.add_argument("--version", type=positive, default=1, help="version to write")
    exported.add_argument("--replace", action="store_true", help="even a version that exists")
    evaluated = command(
        "evaluate", _evaluate, "measure models as they are served", "models",
        names=f"models to measure, {which}", known=False,
    )  # fmt: skip
    evaluated.add_argument("--version", type=positive, help="the newest where it is left out")
    indexed = command(
        "index", _index, "build indexes of codings, among which neighbours are found", "models",
        names=f"models that encode, {which}", known=False,
    )  # fmt: skip
    indexed.add_argument("--version", type=positive, help="the newest where it is left out")
    indexed.add_argument(
        "--metric", choices=get_args(Metric), default="euclidean", help="how far codings are"
    )
    indexed.add_argument("--first", type=positive, metavar="N", help="only the first N items")
    drawn = command(
        "figures", _figures, "draw what the models do and how they were trained", "runs", "models",
        names=None,
    )  # fmt: skip
    drawn.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder of figures")
    reported = command(
        "report", _report, "write an HTML report on trainings, runs/NAME/report.html", "runs",
        "models", names=f"trainings to report on, {which}", known=False,
    )  # fmt: skip
    reported.add_argument(
        "--mlflow", nargs="?", const="", metavar="URI",
        help="log it all to MLflow, by default to MLFLOW_TRACKING_URI or into runs/mlflow",
    )  # fmt: skip
    compared = command(
        "compare", _compare, "put two trainings side by side", "runs",
        names="the two trainings", known=False,
    )  # fmt: skip
    compared.add_argument(
        "--out", type=Path, help="HTML file, by default runs/NAME/compared-with-NAME.html"
    )
    return parser


def _trainable_name(name: str) -> str:
    if name not in (*families.names(), ALL):
        expected = ", ".join(families.names())
        raise argparse.ArgumentTypeError(f"expected {ALL} or one of {expected}, received {name}")
    return name


SHARED: dict[str, dict[str, Any]] = {
    "runs": {"type": Path, "default": Path("runs"), "help": "folder of training runs"},
    "models": {"type": Path, "default": Path("models"), "help": "folder of exported models"},
}
