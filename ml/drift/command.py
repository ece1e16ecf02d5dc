"""`waybill model-drift`: shows how far the rows since training are from those that each task's model learnt from."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import math
from collections.abc import Iterator

import click

from ml.drift.measure import Drift, measure_drift
from ml.drift.since_training import describe_rows
from ml.each_task import TaskResult, work_on_tasks
from ml.errors import NoModel
from ml.predict import Model, task_of
from ml.registry.artefact import current_manifest
from ml.task import read_task
from warehouse.work_lock import working
from waybill.cli import run, shown_command
from waybill.text import counted, shown

EXPLAINED = """
Compares every feature and the score of the rows since training with the rows that the current model of TASK learnt
from, and measures the predictions whose label has landed. Without TASK, all tasks of the pipeline. `waybill score` does
the same whenever it has written predictions; the results are in predictions.model_drift and realised_figures.
"""


@click.command("model-drift", help=f"Example: waybill model-drift returns\n\n{EXPLAINED}")
@click.argument("task", required=False)
def model_drift(task: str | None) -> None:
    """Measure, and print a table of each task's columns, those with an alarm first."""
    with working("model-drift"):
        result = work_on_tasks(task, _measure_and_show)
    if not result.rows:
        click.echo(result.summary)


def _measure_and_show(task: str) -> TaskResult:
    declared, manifest = read_task(task).task, current_manifest(task)
    if manifest is None:
        raise NoModel(f"no model for {task}: train one with `{shown_command(f'train --task {task}')}`")
    if "reference" not in manifest:
        command = shown_command(f"train --task {task} --force")
        raise NoModel(f"the model of {task} is from before models described their rows: train it with `{command}`")
    model = Model(task_of(declared, manifest), manifest)
    drift = measure_drift(model, force=True)
    if drift is None:
        command = shown_command(f"score --task {task}")
        raise NoModel(f"the current model of {task} has no predictions to measure: write them with `{command}`")
    alarms = counted(len(drift.alarms), "column differs", "columns differ") if drift.alarms else "no alarm"
    rows = counted(drift.rows, "row")
    click.echo(f"{task}: {rows} {describe_rows(model)}; limits from {manifest['reference']['limits_from']}; {alarms}")
    for line in describe(drift):
        click.echo(line)
    return TaskResult(max(drift.rows, 1), f"{rows} since training, {alarms}")


def describe(drift: Drift) -> Iterator[str]:
    """Yield a table of all columns, then one line for each alarm."""
    columns = sorted(drift.columns, key=lambda one: (not one.alarms, -(one.change.psi or 0)))
    width = max([len(shown(one.name)) for one in columns], default=6)
    yield f"{'column':<{width}}  {'kind':<8}  {'PSI':>6} {'limit':>6}  {'missing':>7}  {'new':>6}  {'size':>7}"
    for one in columns:
        psi, limit = _number(one.change.psi, "6.3f"), _number(one.limits.psi, "6.3f")
        missing, new = _number(one.missing_share, "7.1%"), _number(one.change.new, "6.1%")
        size = "–".rjust(7) if one.change.scale is None else f"× {math.exp(one.change.scale):.2f}".rjust(7)
        mark = "  ALARM" if one.alarms else ""
        yield f"{shown(one.name):<{width}}  {one.kind:<8}  {psi} {limit}  {missing}  {new}  {size}{mark}"
    for alarm in drift.alarms:
        yield f"ALARM {shown(alarm)}"


def _number(value: float | None, form: str) -> str:
    return "–".rjust(int(form.partition(".")[0])) if value is None else f"{value:{form}}"


if __name__ == "__main__":
    run(model_drift, "python -m ml.drift.command")
