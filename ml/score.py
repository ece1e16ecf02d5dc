"""`python -m ml.score`: write the current model's probabilities to `predictions.<task>`, and say when it is stale."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import io
from dataclasses import dataclass
from typing import Any

import click
from psycopg2 import sql

from ml.artefact import load
from ml.rows import batches_that_changed, read_rows, training_rows
from ml.task import read_task
from warehouse.connection import connect
from waybill.cli import run
from waybill.settings import get_settings

MAX_NAMED = 5
TABLE = """
create table if not exists predictions.{table} (
    {key} text primary key,
    model_id uuid not null,
    probability double precision not null check (probability between 0 and 1),
    is_predicted_late boolean not null,
    is_stale boolean not null,
    scored_at timestamptz not null default now()
)
"""


@dataclass(frozen=True)
class Scored:
    """What scoring did: rows written, one line for a person, and whether the model is stale."""

    rows: int
    summary: str
    is_stale: bool


def score(task: str = "flight_delays") -> Scored:
    """Score all rows of the task's table in one transaction; nothing is written when nothing changed.

    A model whose training rows have changed since is stale: it still answers, and every answer says so.

    Raises:
        NoModel, ArtefactBroken, OtherVersions: see `ml.errors`; the last predictions stay.
    """
    declared = read_task(task)
    pipeline, manifest = load(task)
    now = training_rows(declared.task)
    is_stale = now.digest != manifest["training_digest"]
    because = _because(batches_that_changed(manifest["batches"], now.batches)) if is_stale else ""
    state = f"{manifest['model_id']} {'stale' if is_stale else 'fresh'} {now.table_digest}{because}"
    if _standing_state(task) == state:
        return Scored(0, f"nothing new: the same predictions stand{because}", is_stale)
    frame = read_rows(declared.task)
    probability = pipeline.predict_proba(frame[declared.task.features])[:, 1]
    content = _as_csv(frame[declared.task.key], probability, manifest, is_stale)
    _replace(task, declared.task.key, content, state)
    return Scored(len(frame), f"{len(frame):,} predictions of {manifest['model_id']}{because}", is_stale)


def _because(batches: list[str]) -> str:
    """Say that a model is stale, and by which batches."""
    files = list(dict.fromkeys(batches))
    more = f" and {len(files) - MAX_NAMED} more" if len(files) > MAX_NAMED else ""
    named = ", ".join(files[:MAX_NAMED]) or "by no batch: the table was made otherwise or by hand"
    return f"; STALE: its training rows have changed ({named}{more}); train anew with `make train`"


def _standing_state(task: str) -> str | None:
    """Return the model, rows and staleness of the standing predictions, as their table's comment says."""
    connection = connect("trainer")
    try:
        with connection, connection.cursor() as cursor:
            relation = sql.SQL("predictions.{}").format(sql.Identifier(task)).as_string(connection)
            cursor.execute("select obj_description(to_regclass(%s), 'pg_class')", [relation])
            found: str | None = cursor.fetchone()[0]  # type: ignore[index]
            return found
    finally:
        connection.close()


def _as_csv(keys: Any, probability: Any, manifest: dict[str, Any], is_stale: bool) -> bytes:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "key": keys,
            "model_id": manifest["model_id"],
            "probability": probability.round(6),
            "is_predicted_late": probability >= manifest["threshold"],
            "is_stale": is_stale,
        }
    )
    return frame.to_csv(index=False, header=False).encode()


def _replace(task: str, key: str, content: bytes, state: str) -> None:
    """Put the predictions in the place of the last ones, with what they were made of."""
    names = {"table": sql.Identifier(task), "key": sql.Identifier(key)}
    statement = (
        "copy predictions.{table} ({key}, model_id, probability, is_predicted_late, is_stale) from stdin (format csv)"
    )
    connection = connect("trainer")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL(TABLE).format(**names))
            cursor.execute(sql.SQL("truncate predictions.{table}").format(**names))
            cursor.copy_expert(sql.SQL(statement).format(**names).as_string(connection), io.BytesIO(content))
            cursor.execute(
                sql.SQL("comment on table predictions.{table} is {state}").format(state=sql.Literal(state), **names)
            )
    finally:
        connection.close()


@click.command(help="Example: python -m ml.score\n\nWrite the current model's predictions.")
@click.option("--task", help="A task of ml/tasks; the one that WAYBILL_TASK names by default.")
def main(task: str | None) -> None:
    """Score, and say whether the model is stale."""
    click.echo(score(task or get_settings().waybill_task).summary)


if __name__ == "__main__":
    run(main, "python -m ml.score")
