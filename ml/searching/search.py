"""Searches for better parameters within a time, and continues an earlier search of the same rows."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from ml.checking.training_rows import RowsChanged, TrainingRows, hash_training_rows
from ml.errors import TaskBroken
from ml.learning.workers import run_fits
from ml.registry.folders import make_task_folder, task_folder
from ml.searching.fitting import Measured, fit_trial, read_for_search
from ml.searching.ranges import RANGES, Draw, draw_trials, searched_candidates
from ml.searching.trials import FILE, Trial, TrialFile, bind
from ml.task import DeclaredTask
from waybill.file_lock import file_lock


@dataclass(frozen=True)
class Found:
    """The trials of a task, old and new, by what was tried; how many are new; and how many others were ignored."""

    trials: list[Trial]
    new: int
    ignored: Counter[str]
    minutes: float

    @property
    def elapsed(self) -> float:
        """How many seconds were searched, over all runs."""
        return max((trial.elapsed for trial in self.trials), default=0.0)


class Clock:
    """The time that a search may take, over all its runs: earlier ones count as far as their last trial."""

    def __init__(self, minutes: float, earlier: list[Trial]) -> None:
        """Start; the earlier trials say how much time was used, and how long a fit takes."""
        self._limit = minutes * 60
        self._used = max((trial.elapsed for trial in earlier), default=0.0)
        self._started = time.monotonic()
        self._seconds: dict[str, list[float]] = {}
        for trial in earlier:
            self.note(trial.candidate, trial.seconds)

    @property
    def elapsed(self) -> float:
        """How many seconds were used."""
        return self._used + time.monotonic() - self._started

    def note(self, candidate: str, seconds: float) -> None:
        """Remember how long a fit of a candidate took."""
        self._seconds.setdefault(candidate, []).append(seconds)

    def has_time_for(self, candidate: str) -> bool:
        """Return True if a fit of a candidate can be expected to end in time."""
        return self.elapsed + median(self._seconds.get(candidate, [0.0])) <= self._limit


def search(declared: DeclaredTask, minutes: float, on_trial: Callable[[Trial, float], None]) -> Found:
    """Try parameters on validation for so many minutes, and return all trials of the same rows.

    Each trial is kept as soon as it is measured, so an interrupted search continues where it was. The candidates as
    declared are tried first, whatever the time. `on_trial` gets each new trial, and the seconds used.

    Raises:
        NothingToLearn, TaskBroken, WorkersUnusable: see `ml.errors`; the trials stay.
    """
    task = declared.task
    if not searched_candidates(task):
        raise TaskBroken(f"task {task.task} declares no candidate to search: add one of {', '.join(RANGES)}")
    with file_lock(make_task_folder(task.task) / f".{FILE}.lock"):
        while True:
            try:
                return _search_hashed(declared, hash_training_rows(task), minutes, on_trial)
            except RowsChanged:  # before the first trial
                continue


def _search_hashed(
    declared: DeclaredTask, hashed: TrainingRows, minutes: float, on_trial: Callable[[Trial, float], None]
) -> Found:
    """Search as `search` does, on the rows that were hashed.

    Raises:
        RowsChanged: the table was written after it was hashed; no trial was made.
    """
    task = declared.task
    file = TrialFile(task_folder(task.task) / FILE, bind(task, hashed.digest))
    earlier, ignored = file.read()
    clock = Clock(minutes, earlier)
    draws = _draws_in_time(declared, {trial.identity for trial in earlier}, clock)
    new = 0
    for measured in _measure(declared, hashed, draws):
        trial = _kept(file, measured, clock)
        on_trial(trial, clock.elapsed)
        new += 1
    return Found(file.read()[0], new, ignored, minutes)


def _draws_in_time(declared: DeclaredTask, known: set[str], clock: Clock) -> Iterator[Draw]:
    """Yield the trials that are still to do, until the time is over."""
    for draw in draw_trials(declared.task):
        if draw.identity in known:
            continue
        if not draw.is_declared and not clock.has_time_for(draw.candidate):
            return
        yield draw


def _measure(declared: DeclaredTask, hashed: TrainingRows, draws: Iterator[Draw]) -> Iterator[Measured]:
    """Yield the figures of each trial, as they are finished. Rows are read only if there is a trial to do."""
    first = next(draws, None)
    if first is None:
        return
    shared = read_for_search(declared.task, hashed)

    def calls() -> Iterator[tuple[Draw]]:
        yield (first,)
        yield from ((draw,) for draw in draws)

    with _without_expected_warnings():
        yield from run_fits(fit_trial, calls(), shared=shared, in_order=False)


@contextmanager
def _without_expected_warnings() -> Iterator[None]:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the trial says it
        warnings.filterwarnings("ignore", "n_quantiles")  # fewer rows than quantiles: each row is one
        yield


def _kept(file: TrialFile, measured: Measured, clock: Clock) -> Trial:
    clock.note(measured.draw.candidate, measured.seconds)
    trial = Trial(
        candidate=measured.draw.candidate,
        parameters=measured.draw.parameters,
        validation=measured.validation,
        seconds=measured.seconds,
        has_converged=measured.has_converged,
        elapsed=round(clock.elapsed, 2),
    )
    file.append(trial)
    return trial
