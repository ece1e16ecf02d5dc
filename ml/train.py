"""`python -m ml.train`: fit the candidates, select one on validation, measure all once on test, save the selected."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import click

from ml.checking.checks import store_check
from ml.checking.staleness import as_check, ensure_checked
from ml.checking.training_rows import RowsChanged, TrainingRows, hash_training_rows
from ml.each_task import TaskResult, work_on_tasks
from ml.erasing.marks import is_refused
from ml.learning.comparison import compare_candidates
from ml.learning.manifest import describe_model
from ml.learning.summary import describe_training, summary_of
from ml.learning.workers import load_libraries
from ml.reading.frame import read_rows
from ml.reading.kept import keep_rows
from ml.registry.artefact import save
from ml.registry.deciding import describe_decision, find_trained
from ml.registry.folders import usable_models
from ml.registry.history import read_history
from ml.registry.model_bytes import MODEL, file_problem, versions
from ml.task import DeclaredTask, Task, read_task
from warehouse.work_lock import working
from waybill.cli import FiniteRange, run
from waybill.observing.work import observing
from waybill.settings import relative_name


@dataclass(frozen=True)
class TrainingResult(TaskResult):
    """What training did: the number of rows learnt from, one line for the user, and the manifest."""

    manifest: dict[str, Any]


def train(task: str, *, force: bool = False) -> TrainingResult:
    """Train and save a model, unless one learnt from the same rows, with the same declaration and library versions.

    The new model becomes the current one unless it is worse on the same rows.

    Raises:
        TaskBroken, NothingToLearn: see `ml.errors`; the current model stays.
    """
    declared = read_task(task)
    same = None if force else find_trained(task, lambda one: _is_up_to_date(one, declared))
    if same:
        manifest, decided = same
        return TrainingResult(0, f"nothing new: {manifest['model_id']} learnt from the same rows{decided}", manifest)
    broken = "" if force else _find_broken_file(declared)
    training_rows, rows = _hash_and_read(declared.task)
    comparison = compare_candidates(declared.task, rows)
    manifest = describe_model(declared, training_rows, comparison, rows)
    verdict = save(task, comparison.pipeline, manifest, comparison.evaluation)
    store_check(as_check(declared.task, manifest["model_id"], training_rows))
    keep_rows(declared.task, training_rows.table_digest, rows)
    summary = summary_of(manifest) + describe_decision(verdict) + broken
    return TrainingResult(manifest["rows"]["learnt_from"], summary, manifest)


def _hash_and_read(task: Task) -> tuple[TrainingRows, Any]:
    """Return the hashes of the rows and the rows; both are read again if the table was written in between.

    While PostgreSQL hashes, the libraries are imported.
    """
    while True:
        with ThreadPoolExecutor(1) as beside:
            beside.submit(load_libraries)
            hashed = hash_training_rows(task)
        try:
            return hashed, read_rows(task, hashed)
        except RowsChanged:
            continue


def _find_broken_file(declared: DeclaredTask) -> str:
    """Return why the current model is trained again if only its file has changed, for the end of a summary."""
    task = declared.task.task
    current = read_history(task).current
    model = next((one for one in usable_models(task) if one.model_id == current), None)
    if model is None or not _is_up_to_date(model.manifest, declared):
        return ""
    path = relative_name(model.folder / MODEL)
    return f"; trained again because {path} {file_problem(model.folder, model.manifest)}"


def _is_up_to_date(manifest: dict[str, Any], declared: DeclaredTask) -> bool:
    if is_refused(manifest) or not declared.is_same_as(manifest["task_digest"]) or manifest["versions"] != versions():
        return False
    return not ensure_checked(declared.task, manifest).is_stale


@click.command(
    help="Example: python -m ml.train\n\nTrain the candidates of each task and save the best one as its model."
)
@click.option("--task", help="Tasks of ml/tasks, with commas between. Default: WAYBILL_TASK, else all of the pipeline.")
@click.option("--force", is_flag=True, help="Train again even if nothing changed.")
@click.option("--search", is_flag=True, help="Search for better parameters instead; an interrupted search continues.")
@click.option("--minutes", type=FiniteRange(min=0), help="With --search: how long, for each task. Default: 15.")
@click.option("--write", is_flag=True, help="With --search: put the best parameters into ml/tasks.")
def main(task: str | None, force: bool, search: bool, minutes: float | None, write: bool) -> None:
    """Train, and print every candidate's metrics after each task."""
    if search:
        if force:
            raise click.UsageError("--force and --search exclude each other")
        from ml.searching.command import DEFAULT_MINUTES, search_tasks

        with working("train"):
            search_tasks(task, DEFAULT_MINUTES if minutes is None else minutes, write=write)
        return
    if minutes is not None or write:
        raise click.UsageError("--minutes and --write need --search")

    def train_and_show(name: str) -> TrainingResult:
        trained = train(name, force=force)
        click.echo(f"{name}: {trained.summary}")
        for line in describe_training(trained.manifest, read_task(name).task.unlabelled):
            click.echo(line)
        return trained

    with working("train"):
        result = work_on_tasks(task, observing("train", train_and_show))
    if not result.rows:
        click.echo(result.summary)


if __name__ == "__main__":
    run(main, "python -m ml.train")
