"""Derives the columns of predictions from the task and the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from ml.predict import Model
from ml.task import BY_MODEL

PROBABILITY = "double precision"
MAX_NAME_BYTES = 60  # PostgreSQL cuts names at 63; two are for a number and its underscore
LABEL = "predicted_label"
TYPES = """
select attname, format_type(atttypid, atttypmod)
from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
order by attnum
"""
KEY = """
select conname::text, array(
    select attname::text from pg_attribute
    where attrelid = conrelid and attnum = any (conkey) order by array_position(conkey, attnum)
)
from pg_constraint
where conrelid = to_regclass(%s) and contype = 'p'
"""


@dataclass(frozen=True)
class Shape:
    """The columns that the predictions of a model have: name → type and name → comment, the key and the probabilities.

    A predicted label has the type of the mart's label in the view; in the table, whose models may have learnt from
    labels of several types, it is text.
    """

    types: dict[str, str]
    comments: dict[str, str]
    key: list[str]
    probabilities: list[str]

    @property
    def predicted(self) -> list[str]:
        """The columns that depend on the kind of the label and on its classes."""
        return [name for name in self.types if name not in (*self.key, "model_id", "is_stale", "scored_at")]

    @property
    def written(self) -> list[str]:
        """The columns that scoring writes, in order; `scored_at` is the time of the transaction."""
        return [name for name in self.types if name != "scored_at"]

    def stored_type(self, name: str) -> str:
        """Return the type of a column in the table of all models."""
        return "text" if name == LABEL else self.types[name]


def table_of(task: str) -> sql.Identifier:
    """Return the name of the table of all models' predictions for a statement."""
    return sql.Identifier("predictions", f"{task}{BY_MODEL}")


def primary_key(cursor: Any, table: sql.Identifier) -> tuple[str, list[str]] | None:
    """Return the name of a table's primary key and its columns in order; None without a table or a key."""
    cursor.execute(KEY, [table.as_string(cursor)])
    found: tuple[str, list[str]] | None = cursor.fetchone()
    return found


def probability_columns(classes: list[str]) -> dict[str, str]:
    """Return column → class: `probability_` and the class in lower case, with a number where two would be the same."""
    columns: dict[str, str] = {}
    for number, value in enumerate(classes, start=1):
        word = re.sub(r"\W+", "_", re.sub(r"^-(?=\d)", "minus_", value).lower()).strip("_") or f"class_{number}"
        name = f"probability_{word}".encode()[:MAX_NAME_BYTES].decode(errors="ignore")
        columns[f"{name}_{number}" if name in columns else name] = value
    return columns


def shape_of(model: Model, mart_types: dict[str, str]) -> Shape:
    """Return the columns that the predictions of a model have; key and label have the types of the mart."""
    task = model.task
    types = {name: mart_types[name] for name in task.key} | {"model_id": "uuid"}
    comments = {"model_id": f"Model of the task {task.task}, on marts.{task.table}"}
    if model.is_binary:
        probabilities = {"probability": task.positive_label}
        types |= {"probability": PROBABILITY, "is_predicted_positive": "boolean"}
        comments["is_predicted_positive"] = (
            f"True when {task.positive_label} is predicted: probability >= {model.threshold}"
        )
    else:
        probabilities = probability_columns(model.classes)
        types |= {LABEL: mart_types[task.label], **dict.fromkeys(probabilities, PROBABILITY)}
        comments[LABEL] = f"The class of {task.label} that is most probable"
    comments |= {name: f"Probability of the label {value}" for name, value in probabilities.items()}
    types |= {"is_stale": "boolean", "scored_at": "timestamp with time zone"}
    return Shape(types, comments, task.key, list(probabilities))


def column_types(cursor: Any, schema: str, table: str) -> dict[str, str]:
    """Return column → type of a table or view, in the order of its columns; empty if there is none of this name."""
    cursor.execute(TYPES, [sql.Identifier(schema, table).as_string(cursor)])
    return dict(cursor.fetchall())
