"""Erases rows from predictions, answers and models, after dbt has removed them from the marts.

`ml.erasing.before.read_before` is called before dbt builds the marts, `erase_from_models` after it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from ml.columns import INTEGERS, TEXTS
from ml.erasing.before import Before
from ml.erasing.learnt import compare_rows, read_erased_batches
from ml.erasing.marking import Marking, mark_models
from ml.erasing.mart_rows import MartRows, hash_texts, mart_types, read_marts
from ml.erasing.predictions import count_gone_rows, count_unkeyed_answers, delete_answers_with, delete_gone_rows
from ml.erasing.report import ErasedFromModels, Policy
from ml.erasing.subjects import Subject, find_subjects
from ml.prediction_tables.by_model import changing_predictions
from ml.task import ANSWERS
from warehouse.connection import cursor_of
from waybill.settings import get_settings
from waybill.text import counted

EXACT_TEXTS = (*INTEGERS, *TEXTS[:2], "uuid")  # types of which dbt, PostgreSQL and pandas write each value alike


@dataclass(frozen=True)
class Erasure:
    """What is erased: its id, the tables of schema marts that are made from its source, and the policy for models.

    `keys` are the keys of the erased documents as text, as far as they are known: a row may have left the mart before,
    after a model had learnt it.
    """

    erasure_id: UUID
    tables: Collection[str]
    policy: Policy
    keys: Collection[str] = ()


def erase_from_models(erasure: Erasure, before: Before) -> ErasedFromModels:
    """Delete the predictions and answers of rows that left the marts, and mark models that had learnt such rows.

    It can be repeated. With the policies `refuse` and `retrain`, no marked model predicts any more. For each task:
    1. Mark its models. 2. Take what they name out of their files. 3. Delete predictions, answers and figures.
    """
    with cursor_of("trainer") as cursor:
        subjects, unchecked = find_subjects(cursor, erasure.tables)
    now, batches = read_marts(subjects), read_erased_batches(erasure.erasure_id)
    report = ErasedFromModels(unchecked=unchecked)
    for subject in subjects:
        if subject.mart not in now:
            lack = "is missing, or has another key than they"
            report.unchecked.append(f"predictions and models of {subject.task}: marts.{subject.table} {lack}")
            continue
        was, is_now = before.marts.get(subject.mart), now[subject.mart]
        keys = hash_texts(list(erasure.keys) if len(subject.key) == 1 else [])
        rows = compare_rows(was, is_now, batches, keys)
        mark_models(subject, Marking(erasure.erasure_id, erasure.policy, was, rows), report)  # 1. and 2.
        _delete_rows(subject, was, is_now, report, keys=_own_keys(erasure, subject, was, is_now))  # 3.
    return report


def _own_keys(erasure: Erasure, subject: Subject, before: MartRows | None, now: MartRows) -> Collection[str] | None:
    """Return the erased keys if exactly their rows left the mart with the erasure; None if others may be of it, too.

    Then predictions of rows that left the mart otherwise, for example by an undo, can stay: they are of other keys.
    """
    import numpy as np

    if before is None or len(subject.key) > 1 or not erasure.keys:
        return None
    with cursor_of("trainer") as cursor:
        has_exact_text = mart_types(cursor, subject.table, subject.key).get(subject.key[0]) in EXACT_TEXTS
    is_all = np.array_equal(np.unique(hash_texts(list(erasure.keys))), before.gone(now))
    return erasure.keys if has_exact_text and is_all else None


def _delete_rows(
    subject: Subject,
    before: MartRows | None,
    now: MartRows,
    report: ErasedFromModels,
    *,
    keys: Collection[str] | None,
) -> None:
    with changing_predictions(subject.task) as cursor:
        deleted, unchecked = delete_gone_rows(cursor, subject, keys)
        for name, number in deleted.items():
            report.deleted[name] = report.deleted.get(name, 0) + number
        if keys is not None and not unchecked:
            for name, number in count_gone_rows(cursor, subject).items():
                report.kept[name] = report.kept.get(name, 0) + number
        report.unchecked.extend(unchecked)
        if not subject.has_answers:
            return
        name = f"predictions.{subject.task}{ANSWERS}"
        if before is not None:
            report.deleted[name] = report.deleted.get(name, 0) + delete_answers_with(cursor, subject, before, now)
        elif number := count_unkeyed_answers(cursor, subject):
            days = counted(get_settings().waybill_api_keep_days, "day")
            report.unchecked.append(
                f"{counted(number, 'row')} of {name} whose features a client gave: they are deleted after {days}"
            )


def count_left(tables: Collection[str]) -> dict[str, int]:
    """Return table of schema predictions → rows whose key is not in the mart; a table without such rows is left out."""
    left: dict[str, int] = {}
    with cursor_of("trainer") as cursor:
        subjects, _ = find_subjects(cursor, tables)
        for subject in subjects:
            if mart_types(cursor, subject.table, subject.key):
                for name, number in count_gone_rows(cursor, subject).items():
                    left[name] = left.get(name, 0) + number
    return {name: number for name, number in left.items() if number}
