"""`waybill verify`: computes again what each model's manifest says, and says what has changed and by which batches."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import json
from dataclasses import asdict
from typing import Any

import click

from ml.checking.verification import Finding, Verification, lines
from ml.checking.verification import verify as verify_model
from ml.each_task import NO_TASK
from ml.errors import ModelError, NoModel
from ml.registry.artefact import current_manifest
from ml.task import read_task, task_names
from warehouse.work_lock import working
from waybill.cli import run, shown_command


@click.command()
@click.argument("task", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def verify(context: click.Context, task: str | None, as_json: bool) -> None:
    """Example: waybill verify returns

    Compare the current model of TASK, or of every task, with what its manifest says: its file, the library versions,
    the code, the declaration and the training rows. Of the rows, say which batches changed them.

    Nothing is loaded or trained. Exits with 0 if all is unchanged, with 1 if something has changed or is broken.
    """
    with working("verify"):
        verified = [found for name in ([task] if task else task_names()) if (found := _verify(name, task is not None))]
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in verified], indent=1))
    else:
        for one in verified:
            for line in lines(one):
                click.echo(line)
        if not verified:
            click.echo(f"no model to verify: `{shown_command('train')}` trains one" if task_names() else NO_TASK)
    if not all(one.is_unchanged for one in verified):
        context.exit(1)


def _verify(name: str, must_exist: bool) -> Verification | None:
    """Return what was found about the current model of a task; None if it has none and need not have one.

    Raises:
        TaskBroken, NoModel: the task was named, and cannot be read or has no model.
    """
    try:
        declared, manifest = read_task(name), current_manifest(name)
        if manifest is None and must_exist:
            raise NoModel(f"no model for {name}: train one with `{shown_command(f'train --task {name}')}`")
        return verify_model(declared, manifest) if manifest else None
    except ModelError as error:
        if must_exist:
            raise
        return Verification(name, "", "", [Finding("model", False, str(error))], None, [])


def _as_json(verified: Verification) -> dict[str, Any]:
    check = verified.check
    return {
        "task": verified.task,
        "model_id": verified.model_id,
        "trained_at": verified.trained_at,
        "checked_at": check.checked_at.isoformat(timespec="seconds") if check else None,
        "is_unchanged": verified.is_unchanged,
        "is_stale": check.is_stale if check else None,
        "changed_batches": list(check.changed_batches) if check else [],
        "findings": [asdict(finding) for finding in verified.findings],
        "batches": [asdict(change) for change in verified.batches],
    }


if __name__ == "__main__":
    run(verify, "python -m ml.checking.command")
