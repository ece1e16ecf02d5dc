"""Checks whether a model is stale: whether its training rows have changed since training."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ml.checking.checks import Check, read_current_check, read_outdated, store_check
from ml.checking.training_rows import TrainingRows, find_changed_batches, hash_training_rows
from ml.errors import ModelError
from ml.predict import Model, task_of
from ml.registry.artefact import read_manifest
from ml.task import Task, read_task
from warehouse.connection import cursor_of

ERASURES = """
select distinct source
from ledger.erasures
inner join intermediate.processed_batches as processed on erasures.erasure_id = processed.batch_id
where processed.model = %(table)s and erased_at >= coalesce(%(since)s, timestamptz '-infinity')
order by source
"""


def check_staleness(model: Model) -> Check:
    """Compare the training rows in the warehouse with those that a model learnt from; store nothing.

    Raises:
        NothingToLearn: the task's table is missing, or there is no labelled row.
        TaskBroken: a column that the model learnt from is missing.
    """
    return compare_rows(model.task, model.manifest)


def compare_rows(task: Task, manifest: dict[str, Any]) -> Check:
    """Compare the training rows of a task with those in a model's manifest; store nothing. See `check_staleness`."""
    return compare_with(task, manifest, hash_training_rows(task_of(task, manifest)))


def compare_with(task: Task, manifest: dict[str, Any], now: TrainingRows) -> Check:
    """Compare training rows that were just hashed with those in a model's manifest."""
    is_stale = now.digest != manifest["training_digest"]
    changed: list[str] = []
    if is_stale:
        changed = find_changed_batches(manifest["batches"], now.batches)
        changed += _find_erasures(task.table, str(manifest.get("trained_at", "")))
    return as_check(task, manifest["model_id"], now, changed_batches=changed if is_stale else None)


def as_check(task: Task, model_id: str, rows: TrainingRows, *, changed_batches: list[str] | None = None) -> Check:
    """Return the check of a model for these rows: stale if changed batches are given, of which there may be none."""
    return Check(
        task=task.task,
        model_id=model_id,
        mart=task.table,
        checked_at=datetime.now(UTC),
        is_stale=changed_batches is not None,
        is_outdated=False,
        changed_batches=changed_batches or [],
        training_digest=rows.digest,
        table_digest=rows.table_digest,
        table_state=rows.table_state,
    )


def ensure_checked(task: Task, manifest: dict[str, Any]) -> Check:
    """Return the stored check of a model; compare the rows and store it if there is none, or it no longer counts.

    Raises:
        NothingToLearn, TaskBroken: as `check_staleness` raises them.
    """
    stored = read_current_check(task.task, manifest["model_id"], task.table)
    return stored or store_check(compare_rows(task, manifest))


def recheck_outdated() -> str:
    """Make the outdated checks again; return a sentence for the end of a summary that names stale models.

    A model that is gone, or whose rows cannot be read, keeps its outdated check: `train` and `score` say what is wrong.
    """
    found = []
    for name, model_id in read_outdated():
        try:
            task, manifest = read_task(name).task, read_manifest(name, model_id)
            check = store_check(compare_rows(task, manifest))
        except ModelError:
            continue
        if check.is_stale:
            found.append(f"; the model of {name} is STALE: its training rows have changed ({check.because})")
    return "".join(dict.fromkeys(found))


def _find_erasures(table: str, since: str) -> list[str]:
    """Return a name for each source of which documents were erased since a time, and then from the mart."""
    try:
        at = datetime.fromisoformat(since)
    except ValueError:  # an older manifest may not say it
        at = None
    with cursor_of("trainer") as cursor:
        cursor.execute(ERASURES, {"table": table, "since": at})
        return [f"{source}: erased documents" for (source,) in cursor.fetchall()]
