"""What each command does with the options that are parsed."""

from argparse import Namespace
from pathlib import Path

from training import backend, families
from training.families import DEFAULT
from training.family import read_manifest
from training.selection import ALL, complete, exported_folders, given, named_folders, trainable


def train(options: Namespace) -> None:
    """Train the models that are named, or resume.

    Raises:
        ValueError: A name cannot be used.
    """
    if (name := getattr(options, "name", None)) in families.names():
        raise ValueError(f"--name: expected another name than those of shipped models: {name}")
    if name and ALL in options.names:
        raise ValueError(f"names: expected one recipe with --name, received {ALL}")
    family, names = trainable("train", options)
    family.train(names, options)


def export(options: Namespace) -> None:
    """Export trained models, each into a version that does not exist yet.

    Raises:
        FileExistsError: A version exists and is not to be replaced.
    """
    family, names = trainable("export", options)
    folders = {name: options.models / name / str(options.version) for name in names}
    for folder in folders.values():
        if folder.exists() and not options.replace:
            raise FileExistsError(
                f"{folder}: expected a version that does not exist yet, received one that does; "
                "--version names another, --replace replaces it"
            )
    family.export(folders, options)


def evaluate(options: Namespace) -> None:
    """Measure exported models."""
    for family, folders in exported_folders("evaluate", options).items():
        family.evaluate(folders, options)


def calibrate(options: Namespace) -> None:
    """Place the thresholds of exported models by other data than those of their training."""
    from training.own.calibrate import calibrate, in_words

    for folder in named_folders(options):
        if calibration := calibrate(folder, options).calibration:
            print(f"{folder}: {in_words(calibration, options.false_alarm_rate)}")


def index(options: Namespace) -> None:
    """Write the indexes of exported models."""
    for family, folders in exported_folders("index", options).items():
        family.index(folders, options)


def figures(options: Namespace) -> None:
    """Draw the figures of the families whose options are given."""
    chosen = given("figures", options) or [DEFAULT]
    complete("figures", chosen, options)
    for family in chosen:
        family.draw(options)


def report(options: Namespace) -> None:
    """Write the reports on trainings, and log them where that is asked for."""
    family, names = trainable("report", options)
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


def compare(options: Namespace) -> None:
    """Write the comparison of two trainings.

    Raises:
        ValueError: There are not two of them.
    """
    family, names = trainable("compare", options)
    if len(names) != 2:
        raise ValueError(f"names: expected two trainings, received {' '.join(options.names)}")
    from training.report import compare

    first, second = (family.results(options.runs / name, options) for name in names)
    path = options.out or options.runs / names[0] / f"compared-with-{names[1]}.html"
    print(compare.write((first, second), path).table())
    print(path)


def experiment(options: Namespace) -> None:
    """Run experiments, print their tables, write their numbers and draw their figures."""
    backend.load()
    from training.experiments.registry import EXPERIMENTS
    from training.experiments.setup import Setup

    setup = Setup.of(options)
    for name in EXPERIMENTS if ALL in options.names else dict.fromkeys(options.names):
        outcome = EXPERIMENTS[name].run(setup)
        outcome.write(numbers := setup.folder(name) / "results.json")
        print(f"\n{outcome.tables}\n\n{numbers}\n{outcome.figure}")
