"""Reads and stores checks: whether a model's training rows were unchanged when they were last compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from warehouse.connection import cursor_of
from waybill.cli import shown_command

MAX_NAMED_BATCHES = 5

# A check also counts as outdated if nobody has marked it, such as a dbt command that was killed before its end.
READ = """
with states as materialized (
    select mart, predictions.table_state(mart) as state_now
    from (select distinct mart from predictions.model_checks where task = %(task)s) as marts
)
select task, model_id::text, mart, checked_at, is_stale, is_outdated or table_state is distinct from state_now,
    changed_batches, training_digest, table_digest, table_state
from predictions.model_checks
inner join states using (mart)
where task = %(task)s and model_id::text = any(%(model_ids)s)
"""

# A check is outdated at once if the table was written after it was read, or if any table of dbt has yet to follow an
# undo: the mart may be built from it. The lock keeps others from marking checks as outdated between this question and
# the end of the transaction.
LOCK = "select pg_advisory_xact_lock(hashtext('waybill: model_checks'))"
STORE = """
insert into predictions.model_checks (task, model_id, mart, checked_at, is_stale, is_outdated, changed_batches,
    training_digest, table_digest, table_state)
values (%(task)s, %(model_id)s, %(mart)s, %(checked_at)s, %(is_stale)s,
    %(table_state)s is distinct from predictions.table_state(%(mart)s) or exists (
        select from ledger.undone_batches as undone
        inner join intermediate.processed_batches as processed on undone.batch_id = processed.batch_id
        where not exists (
            select from intermediate.processed_batches as later
            where later.model = processed.model and later.batch_id = undone.undo_id
        )
    ),
    %(changed_batches)s, %(training_digest)s, %(table_digest)s, %(table_state)s)
on conflict (task, model_id) do update set
    mart = excluded.mart,
    checked_at = excluded.checked_at,
    is_stale = excluded.is_stale,
    is_outdated = excluded.is_outdated,
    changed_batches = excluded.changed_batches,
    training_digest = excluded.training_digest,
    table_digest = excluded.table_digest,
    table_state = excluded.table_state
returning is_outdated
"""
OUTDATED = "select task, model_id::text from predictions.model_checks where is_outdated order by task, model_id"


@dataclass(frozen=True)
class Check:
    """Whether a model's training rows had changed since training when they were last compared, and when that was.

    `changed_batches` names the batches that may have changed them. `is_outdated` says that the table may have changed
    after the check. `table_digest` is the hash of all rows of the table: while it is unchanged, so are the predictions.
    """

    task: str
    model_id: str
    mart: str
    checked_at: datetime
    is_stale: bool
    is_outdated: bool
    changed_batches: Sequence[str]
    training_digest: str
    table_digest: str
    table_state: str | None

    @property
    def because(self) -> str:
        """The batches that changed the training rows, or that none did, for people to read."""
        names = list(dict.fromkeys(self.changed_batches))
        more = f" and {len(names) - MAX_NAMED_BATCHES} more" if len(names) > MAX_NAMED_BATCHES else ""
        named = ", ".join(names[:MAX_NAMED_BATCHES])
        return f"{named or 'by no batch: the table was rebuilt differently or edited by hand'}{more}"

    @property
    def verdict(self) -> str:
        """Whether the training rows have changed, and when that was found out, in one sentence without full stop."""
        changed = f"have changed since ({self.because})" if self.is_stale else "have not changed since"
        outdated = ", outdated now" if self.is_outdated else ""
        return f"its training rows {changed}: checked {self.checked_at:%Y-%m-%d %H:%M} UTC{outdated}"

    def __str__(self) -> str:
        """Return a sentence for the end of a summary; empty when the model is fresh."""
        if not self.is_stale:
            return ""
        command = shown_command(f"train --task {self.task}")
        return f"; STALE: its training rows have changed ({self.because}); train it again with `{command}`"


def read_check(task: str, model_id: str) -> Check | None:
    """Return the stored check of a model, outdated if the table was written since; None if it was never checked."""
    return read_checks(task, [model_id]).get(model_id)


def read_checks(task: str, model_ids: list[str]) -> dict[str, Check]:
    """Return the id of each of these models that was checked → its stored check, as `read_check` returns it."""
    with cursor_of("trainer") as cursor:  # who can read the table
        return select_checks(cursor, task, model_ids)


def select_checks(cursor: Any, task: str, model_ids: list[str]) -> dict[str, Check]:
    """Return the same as `read_checks` with a cursor of a role that reads the mart."""
    cursor.execute(READ, {"task": task, "model_ids": model_ids})
    found = [Check(*row) for row in cursor.fetchall()]
    return {check.model_id: check for check in found}


def read_current_check(task: str, model_id: str, mart: str) -> Check | None:
    """Return the stored check of a model if nobody has written the table since; None if it must be made again."""
    found = read_check(task, model_id)
    if found is None or found.is_outdated or found.table_state is None or found.mart != mart:
        return None
    return found


def read_outdated() -> list[tuple[str, str]]:
    """Return the task and the model of every check that is outdated."""
    with cursor_of("reader") as cursor:
        cursor.execute(OUTDATED)
        return cursor.fetchall()


def store_check(check: Check) -> Check:
    """Store a check, and return it; it is outdated if the table was written since, or an undo is not complete."""
    with cursor_of("trainer") as cursor:
        cursor.execute(LOCK)
        cursor.execute(STORE, {**vars(check), "changed_batches": list(check.changed_batches)})
        (is_outdated,) = cursor.fetchone()  # type: ignore[misc]
    return replace(check, is_outdated=is_outdated)
