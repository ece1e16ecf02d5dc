"""Adds a batch of answers to `predictions.<task>_answers` in one statement, which is safe to repeat."""

from __future__ import annotations

import json
from typing import Any

import orjson
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ml.prediction_tables.answers import answers_table

# Without a target, `on conflict` needs no right to read the table.
ADD = """
insert into {table} (
    prediction_id, answered_at, model_id, key, features, probability, is_predicted_positive, predicted_label,
    probabilities
)
select *
from jsonb_to_recordset(%s::jsonb) as given (
    prediction_id uuid, answered_at timestamp with time zone, model_id uuid, key jsonb, features jsonb,
    probability double precision, is_predicted_positive boolean, predicted_label text, probabilities jsonb
)
on conflict do nothing
"""


def add_rows(cursor: Cursor, task: str, rows: list[dict[str, Any]]) -> None:
    """Add rows, given by column; one that an earlier attempt has added stays unchanged."""
    cursor.execute(sql.SQL(ADD).format(table=answers_table(task)), [_as_json(rows)])


def _as_json(rows: list[dict[str, Any]]) -> str:
    try:
        return orjson.dumps(rows).decode()
    except TypeError:  # a key that is an integer of more than 64 bits
        return json.dumps(rows, default=str, allow_nan=False)
