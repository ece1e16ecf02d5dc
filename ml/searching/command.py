"""`waybill train --search`: searches for better parameters of the candidates of each task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

import ml.task
from ml.each_task import TaskResult, work_on_tasks
from ml.learning.comparison import SELECTED_BY
from ml.searching.declaration import write_parameters
from ml.searching.printing import better_parameters, describe_search
from ml.searching.search import search
from ml.searching.trials import Trial
from ml.task import read_task
from waybill.settings import relative_name

DEFAULT_MINUTES = 15.0


def search_tasks(tasks: str | None, minutes: float, *, write: bool) -> None:
    """Search each task for so many minutes, and print what was found; with `write`, put it into the declarations."""

    def search_and_show(name: str) -> TaskResult:
        declared = read_task(name)
        with _progress(name, minutes) as on_trial:
            found = search(declared, minutes, on_trial)
        for line in describe_search(declared.task, found):
            click.echo(line)
        better = better_parameters(declared.task, found)
        if write and better:
            path = ml.task.TASKS / f"{name}.yml"
            write_parameters(path, declared.file_digest, better)
            click.echo(f"wrote {relative_name(path)}")
        return TaskResult(found.new, f"{found.new} trials")

    result = work_on_tasks(tasks, search_and_show)
    if not result.rows and "trials" not in result.summary:
        click.echo(result.summary)


@contextmanager
def _progress(name: str, minutes: float) -> Iterator[Callable[[Trial, float], None]]:
    """Give a function that shows the trials on a terminal: how many, the best figure, and the time."""
    if not sys.stderr.isatty():
        yield lambda trial, elapsed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task(f"searching {name}", total=minutes * 60, done="")
        figures: list[float] = []

        def on_trial(trial: Trial, elapsed: float) -> None:
            figures.append(trial.validation[SELECTED_BY])
            bar.update(shown, completed=elapsed, done=f"{len(figures)} trials, best {max(figures):.4f}")

        yield on_trial
