"""`python -m ml.score`: write the current model's predictions to `predictions.<task>` and report if it is stale."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import io
from dataclasses import dataclass
from typing import Any

import click
from psycopg2 import sql

from ml.predict import Model, Staleness, check_staleness, has_positive_label, load_model, predict
from ml.rows import read_rows
from ml.task import chosen_task
from warehouse.connection import cursor_of
from warehouse.work_lock import working
from waybill.cli import run
from waybill.text import counted

DECIMALS = 6  # of a stored probability

# Every task has this table. What the positive label is called is the task's business: a comment on the column says it.
TABLE = """
create table if not exists predictions.{table} (
    {key} text primary key,
    model_id uuid not null,
    probability double precision not null check (probability between 0 and 1),
    is_predicted_positive boolean not null,
    is_stale boolean not null,
    scored_at timestamptz not null default now()
)
"""
COPY = """
copy predictions.{table} ({key}, model_id, probability, is_predicted_positive, is_stale) from stdin (format csv)
"""
COMMENTS = """
comment on table predictions.{table} is {state};
comment on column predictions.{table}.probability is {probability_text};
comment on column predictions.{table}.is_predicted_positive is {positive_text}
"""


@dataclass(frozen=True)
class ScoreResult:
    """What scoring did: the number of rows written, one line for the user, and whether the model is stale."""

    rows: int
    summary: str
    is_stale: bool


def score(task: str) -> ScoreResult:
    """Score all rows of the task's table in one transaction; write nothing when nothing changed.

    A model whose training rows have changed since is stale: it still predicts, and every prediction is marked.

    Raises:
        NoModel, ArtefactBroken, OtherVersions: see `ml.errors`; the last predictions stay.
    """
    model = load_model(task)
    staleness = check_staleness(model)
    state = _describe_state(model, staleness)
    if _read_state(task) == state:
        return ScoreResult(0, f"nothing new: the predictions are up to date{staleness}", staleness.is_stale)
    rows = read_rows(model.task)
    _replace_predictions(model, _as_csv(model, rows, is_stale=staleness.is_stale), state)
    summary = f"{counted(len(rows), 'prediction')} of {model.model_id}{staleness}"
    return ScoreResult(len(rows), summary, staleness.is_stale)


def _describe_state(model: Model, staleness: Staleness) -> str:
    """Return what the predictions depend on: the model, its staleness and the rows of the table."""
    freshness = "stale" if staleness.is_stale else "fresh"
    return f"{model.model_id} {freshness} {staleness.table_digest}{staleness}"


def _read_state(task: str) -> str | None:
    """Return the state from which the predictions in the database were made: it is their table's comment."""
    with cursor_of("trainer") as cursor:
        relation = sql.SQL("predictions.{}").format(sql.Identifier(task)).as_string(cursor)
        cursor.execute("select obj_description(to_regclass(%s), 'pg_class')", [relation])
        state: str | None = cursor.fetchone()[0]  # type: ignore[index]
        return state


def _as_csv(model: Model, rows: Any, *, is_stale: bool) -> bytes:
    import pandas as pd

    probabilities = predict(model, rows)
    columns = {
        "key": rows[model.task.key],
        "model_id": model.model_id,
        "probability": probabilities.round(DECIMALS),
        "is_predicted_positive": has_positive_label(model, probabilities),
        "is_stale": is_stale,
    }
    return pd.DataFrame(columns).to_csv(index=False, header=False).encode()


def _replace_predictions(model: Model, content: bytes, state: str) -> None:
    """Replace all predictions of the task, with comments that say what they are and what they were made from."""
    task = model.task
    names = {"table": sql.Identifier(task.task), "key": sql.Identifier(task.key)}
    texts = {
        "state": sql.Literal(state),
        "probability_text": sql.Literal(f"Probability of the label {task.positive_label}"),
        "positive_text": sql.Literal(f"True when {task.positive_label} is predicted: probability >= {model.threshold}"),
    }
    with cursor_of("trainer") as cursor:
        cursor.execute(sql.SQL(TABLE).format(**names))
        cursor.execute(sql.SQL("truncate predictions.{table}").format(**names))
        cursor.copy_expert(sql.SQL(COPY).format(**names).as_string(cursor), io.BytesIO(content))
        cursor.execute(sql.SQL(COMMENTS).format(**names, **texts))


@click.command(help="Example: python -m ml.score\n\nWrite the current model's predictions to predictions.<task>.")
@click.option("--task", help="A task of ml/tasks. Default: WAYBILL_TASK, else the default task.")
def main(task: str | None) -> None:
    """Score, and print what was written and whether the model is stale."""
    with working("score"):
        result = score(chosen_task(task))
    click.echo(result.summary)


if __name__ == "__main__":
    run(main, "python -m ml.score")
