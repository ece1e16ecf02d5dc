"""Compares two models on rows that were labelled after both were trained, from the predictions that are stored of them.

Nothing is scored again. Where a prediction was kept that was made before the label landed, that one counts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg2 import sql

from ml.columns import key_text, read_columns
from ml.drift.since_training import day_of, rows_since_training, same_key
from ml.predict import Model
from ml.prediction_tables.shape import probability_columns, table_of
from ml.reading.selection import as_text
from ml.registry.evaluation import EvaluatedRows, hash_keys, read_evaluation
from ml.registry.folders import task_folder
from ml.registry.verdict import Verdict, compare, write_verdict
from ml.sets import label_of
from warehouse.connection import cursor_of
from waybill.cli import shown_command

ROWS_AT_ONCE = 20_000
LABELLED_LATER = "labelled after both were trained"
# Columns of a frame beside the key's, whose names these are not.
BLOCK, LABEL, HASH, OWN_AND_OTHER = " block", " label", " hash", (" own", " other")
LABELLED = "select count(*) from marts.{table} as mart where {label} is not null"
READ = """
select {keys}, {block}, {label}::text, coalesce(own_kept.probabilities, array[{own_probabilities}]),
    coalesce(other_kept.probabilities, array[{other_probabilities}])
from marts.{table} as mart
inner join {by_model} as own on {is_own_row} and own.model_id::text = {own_id}
inner join {by_model} as other on {is_other_row} and other.model_id::text = {other_id}
left join predictions.realised_predictions as own_kept
    on own_kept.task = {task} and own_kept.model_id = own.model_id and own_kept.key = {key}
left join predictions.realised_predictions as other_kept
    on other_kept.task = {task} and other_kept.model_id = other.model_id and other_kept.key = {key}
where {label} is not null and {is_later_than_own} and {is_later_than_other}
"""


def compare_later(challenger: Model, current: Model) -> str:
    """Compare the challenger with the current model on later rows, and keep the verdict; both have been scored.

    Returns: a sentence for the end of a summary if the challenger is better, else an empty one.
    """
    verdict = _verdict(challenger, current)
    if verdict is None:
        return ""
    task = current.task.task
    verdict = replace(verdict, decided_at=datetime.now(UTC).isoformat(timespec="seconds"))
    write_verdict(verdict, task_folder(task) / challenger.model_id, is_later=True)
    if verdict.outcome != "better":
        return ""
    command = shown_command(f"promote {task} {challenger.model_id}")
    return f"; the challenger {challenger.model_id} is {verdict}: `{command}` makes it the current one"


def _verdict(own: Model, other: Model) -> Verdict | None:
    """Return the verdict on the first model; None if no row was labelled later, or it is not known which were."""
    task = own.task.task
    evaluations = [read_evaluation(task_folder(task) / model.model_id) for model in (own, other)]
    known = [evaluation.labelled for evaluation in evaluations if evaluation]
    if len(known) < 2 or own.classes != other.classes:
        return None
    types = read_columns(own.task)
    with cursor_of("trainer") as cursor:
        names = {"table": sql.Identifier(own.task.table), "label": label_of(own.task, types, "mart")}
        cursor.execute(sql.SQL(LABELLED).format(**names))
        if cursor.fetchone()[0] <= min(map(len, known)):  # type: ignore[index]
            return None
    found = _read_rows((own, other), types, known)
    return compare((own.model_id, other.model_id), *found, LABELLED_LATER) if found else None


def _read_rows(
    models: tuple[Model, Model], types: dict[str, str], known: list[Any]
) -> tuple[EvaluatedRows, EvaluatedRows] | None:
    """Return what both models predicted for the rows that had no label when either was trained; None without any."""
    import numpy as np
    import pandas as pd

    task, places = models[0].task, {value: number for number, value in enumerate(models[0].classes)}
    parts = []
    with cursor_of("trainer", "later_rows") as cursor:
        cursor.execute(_statement(models, types))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            frame = pd.DataFrame(rows, columns=[*task.key, BLOCK, LABEL, *OWN_AND_OTHER], dtype="object")
            frame[HASH] = hash_keys(frame[task.key])
            was_known = np.logical_or.reduce([np.isin(frame[HASH], hashes) for hashes in known])
            parts.append(frame[~was_known & frame[LABEL].isin(list(places))].drop(columns=task.key))
    later = pd.concat(parts) if parts else pd.DataFrame()
    if later.empty:
        return None
    is_by_row = later[BLOCK].isna().any()
    blocks = np.arange(len(later)) if is_by_row else later[BLOCK].to_numpy("int64")
    hashes, labels = later[HASH].to_numpy("uint64"), later[LABEL].map(places).to_numpy("int64")
    found = [np.array(later[name].to_list(), dtype="float64") for name in OWN_AND_OTHER]
    first, second = (EvaluatedRows(hashes, labels, blocks, one[:, 0] if models[0].is_binary else one) for one in found)
    return first, second


def _statement(models: tuple[Model, Model], types: dict[str, str]) -> sql.Composable:
    own, other = models
    group = own.task.split.group_column
    columns = ["probability"] if own.is_binary else list(probability_columns(own.classes))

    def probabilities(alias: str) -> sql.Composable:
        return sql.SQL(", ").join(sql.Identifier(alias, name) for name in columns)

    return sql.SQL(READ).format(
        keys=sql.SQL(", ").join(as_text(name, types[name], "mart") for name in own.task.key),
        block=sql.SQL("hashtext({}::text)").format(sql.Identifier("mart", group)) if group else day_of(own, types),
        label=label_of(own.task, types, "mart"),
        own_probabilities=probabilities("own"),
        other_probabilities=probabilities("other"),
        table=sql.Identifier(own.task.table),
        by_model=table_of(own.task.task),
        is_own_row=same_key(own, "own", "mart"),
        is_other_row=same_key(own, "other", "mart"),
        own_id=sql.Literal(own.model_id),
        other_id=sql.Literal(other.model_id),
        task=sql.Literal(own.task.task),
        key=key_text(own.task.key, "mart"),
        is_later_than_own=rows_since_training(own, types),
        is_later_than_other=rows_since_training(other, types),
    )
