"""Prints what a search found: a table of the best trials, and the lines for the declaration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml.learning.comparison import SELECTED_BY
from ml.learning.summary import TABLE_METRICS
from ml.searching.declaration import Parameters, candidate_lines
from ml.searching.ranges import Draw, searched_candidates
from ml.searching.search import Found
from ml.searching.trials import Trial
from ml.task import Task
from waybill.cli import shown_command
from waybill.text import counted

MAX_ROWS = 10


def best_trials(found: Found) -> list[Trial]:
    """Return all trials, the best on validation first; of equal ones the one that was tried first."""
    return sorted(found.trials, key=lambda trial: -trial.validation[SELECTED_BY])


def better_parameters(task: Task, found: Found) -> Parameters:
    """Return for each candidate the parameters of its best trial, if they are better than those declared."""
    better: Parameters = {}
    for name in searched_candidates(task):
        best = next((trial for trial in best_trials(found) if trial.candidate == name), None)
        if best and best.validation[SELECTED_BY] > _declared_figure(task, name, found):
            better[name] = best.parameters
    return better


def describe_search(task: Task, found: Found) -> Iterator[str]:
    """Yield how much was tried, the best trials, the candidates as declared, and the lines for the declaration."""
    yield f"{task.task}: {_extent(found)}"
    if found.ignored:
        others = ", ".join(f"{number} {why}" for why, number in sorted(found.ignored.items()))
        yield f"ignored in models/{task.task}/trials.jsonl: {others}"
    yield from _table(task, found)
    better = better_parameters(task, found)
    if not better:
        yield "no trial is better than the declared parameters: nothing to change"
        return
    yield "the best parameters were chosen among many on the same rows, so their figures are slightly optimistic"
    yield f"in ml/tasks/{task.task}.yml:"
    yield from candidate_lines({**task.candidates, **better})


def _extent(found: Found) -> str:
    tried = f"{counted(len(found.trials), 'trial')} ({found.new} new)"
    text = f"{tried} in {found.elapsed / 60:.1f} of {found.minutes:g} minutes, measured on validation"
    if found.new:
        return text
    return (
        f"{text}; the time is used up, or all was tried: give more with `{shown_command('train --search --minutes N')}`"
    )


def _table(task: Task, found: Found) -> Iterator[str]:
    trials = best_trials(found)
    declared = [trial for trial in trials if trial.parameters == task.candidates.get(trial.candidate)]
    metrics = [(name, title) for name, title in TABLE_METRICS[_kind(trials)].items() if name in trials[0].validation]
    yield f"{'candidate':<24} {'seconds':>7} {' '.join(f'{title:>9}' for _, title in metrics)}   parameters"
    for trial in [*trials[:MAX_ROWS], *(one for one in declared if one not in trials[:MAX_ROWS])]:
        figures = " ".join(f"{trial.validation[name]:>9.4f}" for name, _ in metrics)
        notes = [
            *(["as declared"] if trial in declared else []),
            *([] if trial.has_converged else ["did not converge"]),
        ]
        shown = ", ".join(f"{name} {value}" for name, value in trial.parameters.items())
        note = f" ({', '.join(notes)})" if notes else ""
        yield f"{trial.candidate:<24} {trial.seconds:>7.1f} {figures}   {shown}{note}".rstrip()


def _kind(trials: list[Trial]) -> str:
    return "binary" if "brier" in trials[0].validation else "multi-class"


def _declared_figure(task: Task, name: str, found: Found) -> Any:
    identity = Draw(name, task.candidates[name]).identity
    return next(trial.validation[SELECTED_BY] for trial in found.trials if trial.identity == identity)
