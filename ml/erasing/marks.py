"""Marks a model that had learnt erased rows: in its manifest, which all that load it read, and in the warehouse."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from ml.errors import ModelRefused
from waybill.cli import shown_command
from waybill.text import counted

MEMBER = "erased"  # of a manifest: one object for each erasure
STORE = """
insert into predictions.erased_models (model_id, erasure_id, task, rows, is_refused) values (%s, %s, %s, %s, %s)
on conflict (model_id, erasure_id) do update set is_refused = excluded.is_refused
"""
FORGET = "delete from predictions.erased_models where task = %s and not model_id::text = any(%s)"


@dataclass(frozen=True)
class Learnt:
    """How many rows a model had learnt of those that were erased, or `changed` because others were.

    `is_exact` is false if the number is an upper limit, because it is not known which rows the model learnt.
    """

    rows: int
    changed: int = 0
    is_exact: bool = True


def marked(manifest: dict[str, Any], erasure_id: UUID, learnt: Learnt, *, is_refused: bool) -> dict[str, Any]:
    """Return a manifest with the mark of an erasure; one that it has of the same erasure keeps its numbers.

    Whether it is refused can change: an erasure that is not complete can get another policy.
    """
    marks, same = list(manifest.get(MEMBER, [])), mark_of(manifest, erasure_id)
    numbers: dict[str, Any] = asdict(learnt)
    if same:
        marks.remove(same)
        numbers |= {name: same[name] for name in numbers if name in same}
    return {**manifest, MEMBER: [*marks, {"erasure_id": str(erasure_id), **numbers, "is_refused": is_refused}]}


def mark_of(manifest: dict[str, Any], erasure_id: UUID) -> dict[str, Any] | None:
    """Return the mark that a manifest has of an erasure."""
    marks: list[dict[str, Any]] = manifest.get(MEMBER, [])
    return next((one for one in marks if one.get("erasure_id") == str(erasure_id)), None)


def is_marked(manifest: dict[str, Any]) -> bool:
    """Return whether a model had learnt rows that were erased since."""
    return bool(manifest.get(MEMBER))


def is_refused(manifest: dict[str, Any]) -> bool:
    """Return whether a model must not predict, because it had learnt rows that were erased since."""
    return any(one.get("is_refused") is True for one in manifest.get(MEMBER, []))


def erased_rows(manifest: dict[str, Any]) -> int:
    """Return how many of the rows that a model learnt were erased since, or changed by an erasure, at most."""
    return sum(int(one.get("rows", 0)) for one in manifest.get(MEMBER, []))


def describe_marks(manifest: dict[str, Any]) -> str:
    """Return that a model had learnt erased rows, for people; empty if it had not."""
    if not is_marked(manifest):
        return ""
    is_exact = all(one.get("is_exact", False) for one in manifest[MEMBER])
    rows, changed = erased_rows(manifest), any(one.get("changed") for one in manifest[MEMBER])
    was = "was" if rows == 1 else "were"
    with_others = " or changed by an erasure" if changed else ""
    return f"learnt from {'' if is_exact else 'at most '}{counted(rows, 'row')} that {was} erased{with_others} since"


def warning_of(manifest: dict[str, Any], task: str) -> str:
    """Return a sentence for the end of a summary; empty for a model that had not learnt erased rows."""
    if not is_marked(manifest):
        return ""
    return f"; ERASED: it {describe_marks(manifest)}; `{shown_command(f'train --task {task}')}` trains a new one"


def refuse_marked(manifest: dict[str, Any], task: str) -> None:
    """Raise an error if the model must not predict.

    Raises:
        ModelRefused: it had learnt erased rows, and the policy of that erasure refuses such models.
    """
    if is_refused(manifest):
        raise ModelRefused(
            f"the model {manifest['model_id']} of {task} {describe_marks(manifest)}, so it is refused: "
            f"train a new one with `{shown_command(f'train --task {task}')}`"
        )


def store_mark(cursor: Any, task: str, model_id: str, erasure_id: UUID, *, rows: int, is_refused: bool) -> None:
    """Write a mark into the warehouse as the trainer; a model whose folder has another name than an id has none."""
    try:
        UUID(model_id)
    except ValueError:
        return
    cursor.execute(STORE, [model_id, str(erasure_id), task, rows, is_refused])


def forget_marks(cursor: Any, task: str, model_ids: Collection[str]) -> None:
    """Delete the marks of a task's models in the warehouse, as the trainer, except those of models that exist."""
    cursor.execute(FORGET, [task, list(model_ids)])
