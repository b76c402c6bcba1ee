"""Search a recipe's settings with Optuna; what has been tried is kept in the run's folder."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.fitting.train import Data, validate
from training.own.item import Item
from training.own.options import Options
from training.own.recipes import recipe
from training.own.space import Choice, changed, named, space
from training.record import TRIALS

STARTUP = 8
"""Trials before the sampler learns from them; half as many before one is stopped early."""
WARMUP = 0.2
"""The share of the epochs during which no trial is stopped."""
IDENTITY = "search"


@dataclass(frozen=True)
class Found:
    """The best settings of a search.

    Args:
        options: The user's, with the best of the others.
        record: What was searched and found, in JSON's types.
    """

    options: Options
    record: dict[str, Any]

    def __str__(self) -> str:
        return f"the best of {self.record['trials']} trials: {named(self.record['best'])}"


@dataclass(frozen=True)
class Search:
    """What is searched.

    Args:
        name: The recipe's.
        item: What models are built for.
        options: What the user has set, which stays.
        seed: Of the suggestions, and of each trial's weights and batches.
    """

    name: str
    item: Item
    options: Options
    seed: int

    def find(
        self,
        data: Data,
        folder: Path,
        trials: int,
        identity: Mapping[str, Any],
        announce: Callable[[str], None] = print,
    ) -> Found:
        """Return the settings with the lowest error on the validation part.

        The first trial has the recipe's settings, each other one what a tree-structured Parzen
        estimator (Bergstra et al., 2011) suggests from those before. A trial is stopped where its
        lowest error is above the median of the others at that epoch. Trials that have ended are
        kept in the folder: a search that was stopped goes on after them.

        Args:
            data: Items to train on and to validate with.
            folder: The run's folder.
            trials: How many, those before a stop included.
            identity: What tells this search from others beside its space, in JSON's types.
            announce: Receives a line for each trial.

        Raises:
            FileExistsError: The folder has another search.
            ModuleNotFoundError: Optuna is not installed.
            ValueError: The options leave nothing to search, or every error was infinite or NaN.
        """
        import optuna
        from optuna.trial import TrialState

        made = recipe(self.name, self.item, self.options)
        choices = space(self.name, self.item, self.options, made)
        if not choices:
            raise ValueError("--trials: expected a setting to search, received options for all")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        folder.mkdir(parents=True, exist_ok=True)
        epochs = (made.fit or made.greedy).epochs  # type: ignore[union-attr]
        study = optuna.create_study(
            storage=f"sqlite:///{folder.resolve() / TRIALS}",
            study_name=folder.name,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(STARTUP // 2, n_warmup_steps=round(WARMUP * epochs)),
        )
        described = {each.name: str(each) for each in choices}
        _check(study, {**identity, "space": described}, folder)
        for left in study.get_trials(states=(TrialState.RUNNING,)):
            study.tell(left.number, state=TrialState.FAIL)  # when the search was stopped
        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        while (number := len(study.get_trials(states=ended))) < trials:
            # What is suggested depends on the trials before, and not on whether it was stopped.
            study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=STARTUP, seed=self.seed + number
            )
            if number == 0 and not study.get_trials(states=(TrialState.WAITING,)):
                study.enqueue_trial({each.name: each.default for each in choices})
            trial = study.ask()
            state, value = self._run(trial, choices, data)
            study.tell(trial, value, state=state)
            how = f"{value:.5f}" if value is not None else "stopped early"
            announce(f"trial {number + 1} of {trials}: {how}, {named(trial.params)}")
        completed = study.get_trials(states=(TrialState.COMPLETE,))
        if not completed:
            raise ValueError(f"--trials: expected a finite error, received none in {trials} trials")
        return Found(
            changed(self.name, self.item, self.options, study.best_params),
            {
                "trials": trials,
                "stopped_early": trials - len(completed),
                "space": described,
                "best": dict(study.best_params),
                "validation_mse": study.best_value,
            },
        )

    def _run(self, trial: Any, choices: Sequence[Choice], data: Data) -> tuple[Any, float | None]:
        """Train with what a trial suggests; return how it ended, and the error where it did."""
        import optuna
        from optuna.trial import TrialState

        lowest = float("inf")

        def watch(epoch: int, error: float) -> None:
            nonlocal lowest
            lowest = min(lowest, error)
            trial.report(lowest, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        chosen = {each.name: each.suggest(trial) for each in choices}
        made = recipe(self.name, self.item, changed(self.name, self.item, self.options, chosen))
        with tempfile.TemporaryDirectory() as draft:
            try:
                error = validate(made, data, Path(draft) / "trial", seed=self.seed, watch=watch)
            except (optuna.TrialPruned, FloatingPointError):
                return TrialState.PRUNED, None
        return TrialState.COMPLETE, error


def _check(study: Any, identity: Mapping[str, Any], folder: Path) -> None:
    """Note what a search is of. Raises FileExistsError where the folder has another one."""
    earlier = study.user_attrs.get(IDENTITY)
    if earlier is None:
        study.set_user_attr(IDENTITY, dict(identity))
    elif earlier != identity:
        raise FileExistsError(
            f"{folder}: expected trials of the same recipe, data, seed and options, received "
            "others; --again replaces them, --runs names another folder"
        )
