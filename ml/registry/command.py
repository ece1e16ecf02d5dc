"""`waybill models`, `waybill promote` and `waybill rollback`: the models of a task, and which one is current."""

from __future__ import annotations

import json

import click

from ml.errors import ModelError
from ml.task import task_names
from warehouse.work_lock import working
from waybill.cli import shown_command


@click.command(
    help="Example: waybill models returns\n\n"
    "List the models of TASK, or of every task: figures on the test rows, state, staleness, verdict. Changes nothing."
)
@click.argument("task", required=False)
@click.option("--json", "is_json", is_flag=True, help="Write one JSON object a task, with the history of changes.")
@click.option(
    "--prune", is_flag=True, help="Delete the folders of older models than the current, the challenger and five others."
)
@click.pass_context
def models(context: click.Context, task: str | None, is_json: bool, prune: bool) -> None:
    """List models; delete old ones only if asked. A task whose models cannot be read is named, the others follow."""
    from ml.registry import retention
    from ml.registry.listing.models import as_json, as_text, list_models

    is_broken = False
    for name in [_declared(task)] if task else task_names():
        try:
            for gone in retention.prune(name) if prune else []:
                click.echo(f"deleted: {gone} of {name}", err=is_json)
            listed = list_models(name)
        except ModelError as error:
            if task:
                raise
            is_broken = True
            click.echo(json.dumps({"task": name, "problem": str(error)}) if is_json else f"{name}: {error}")
            continue
        for line in [json.dumps(as_json(listed), indent=1)] if is_json else as_text(listed):
            click.echo(line)
    if is_broken:
        context.exit(1)


@click.command(
    help="Example: waybill promote returns 01a22714\n\n"
    "Make MODEL the current model of TASK. Any unique beginning of its id will do; `waybill models` lists them."
)
@click.argument("task")
@click.argument("model")
def promote(task: str, model: str) -> None:
    """Promote a model."""
    from ml.registry import promotion

    with working("promote"):
        click.echo(promotion.promote(_declared(task), model))


@click.command(
    help="Example: waybill rollback returns\n\n"
    "Make the model before the current one current again; a second rollback goes back one more."
)
@click.argument("task")
def rollback(task: str) -> None:
    """Roll back."""
    from ml.registry import promotion

    with working("rollback"):
        click.echo(promotion.rollback(_declared(task)))


def _declared(task: str) -> str:
    """Return the name of a declared task.

    Raises:
        click.UsageError: there is none of this name.
    """
    if task not in task_names():
        known = ", ".join(task_names()) or f"none is declared, `{shown_command('new-task')}` proposes one"
        raise click.UsageError(f"unknown task {task!r}: choose from {known}")
    return task
