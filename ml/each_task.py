"""Works on several tasks in turn: one that fails does not keep the others from their turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg2 import sql

from ml.errors import ModelError, TaskBroken
from ml.model_sources import has_model, possible_sources
from ml.task import chosen_tasks, read_task, task_names
from warehouse.connection import cursor_of

NO_TASK = "no task declared: `waybill new-task` proposes one"
NONE_CHOSEN = "every declared task says `in_pipeline: false`: name one with --task or WAYBILL_TASK"
PROCESSED = "select to_regclass('intermediate.processed_batches'), to_regclass(%s)"
IS_EMPTY = """
select not exists (select from {table}) and not exists (
    select from intermediate.processed_batches as processed
    inner join ledger.named_batches as batches on processed.batch_id = batches.batch_id
    where processed.model = %s and batches.landed > 0
)
"""
LOADED = "select distinct source from ledger.named_batches where landed > 0"


@dataclass(frozen=True)
class TaskResult:
    """What was done for one task: the number of rows, and a summary in one line."""

    rows: int
    summary: str


def work_on_tasks(given: str | None, work: Callable[[str], TaskResult]) -> TaskResult:
    """Do the work for each chosen task, and return the sum; for one task it is the task's own.

    Unless tasks are given, those are left out whose table never had a document: their source is declared, not used.

    Raises:
        ModelError: of the first task that failed, after the others were done; it names all that failed.
    """
    names = chosen_tasks(given)
    idle = {} if given is not None else {name: table for name in names if (table := _unused_table(name))}
    done: dict[str, TaskResult] = {}
    failed: dict[str, ModelError] = {}
    for name in names:
        if name not in idle:
            try:
                done[name] = work(name)
            except ModelError as error:
                failed[name] = error
    if failed:
        raise _as_one(failed, list(done))
    if not names:
        return TaskResult(0, NONE_CHOSEN if task_names() else NO_TASK)
    return _sum_up(done, idle)


def _sum_up(done: dict[str, TaskResult], idle: dict[str, str]) -> TaskResult:
    unused = f"no document of {', '.join(dict.fromkeys(idle.values()))} was ever loaded"
    if not done:
        return TaskResult(0, f"nothing to do: {unused}")
    several = len(done) > 1 or bool(idle)
    parts = [f"{name}: {result.summary}" if several else result.summary for name, result in done.items()]
    if idle:
        parts.append(f"{', '.join(idle)}: {unused}")
    return TaskResult(sum(result.rows for result in done.values()), "; ".join(parts))


def _as_one(failed: dict[str, ModelError], done: list[str]) -> ModelError:
    """Return the error of the only task, or one that names all tasks that failed and the others that were done."""
    first = next(iter(failed.values()))
    if len(failed) == 1 and not done:
        return first
    parts = [str(error) if name in str(error) else f"task {name}: {error}" for name, error in failed.items()]
    others = f" (done: {', '.join(done)})" if done else ""
    return type(first)("; ".join(parts) + others)


def _unused_table(name: str) -> str | None:
    """Return the table of a task if no document of it was ever loaded: it is empty, or dbt has not made it yet."""
    try:
        table = read_task(name).task.table
    except TaskBroken:
        return None
    with cursor_of("reader") as cursor:
        relation = sql.SQL("marts.{}").format(sql.Identifier(table))
        cursor.execute(PROCESSED, [relation.as_string(cursor)])
        processed, made = cursor.fetchone() or (None, None)
        if made is None and has_model(table):
            cursor.execute(LOADED)
            return None if possible_sources(table) & {source for (source,) in cursor.fetchall()} else table
        if processed is None or made is None:
            return None
        cursor.execute(sql.SQL(IS_EMPTY).format(table=relation), [table])
        row = cursor.fetchone()
    return table if row and row[0] else None
