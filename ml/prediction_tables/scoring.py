"""Predicts a mart's rows in pieces and writes each at once, so that memory does not grow with the number of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ml.checking.checks import Check
from ml.predict import Model, has_positive_label, most_probable, predict
from ml.prediction_tables.by_model import add_state, copy_rows, make_room
from ml.prediction_tables.shape import Shape, probability_columns
from ml.reading.kept import pieces_of_rows
from waybill.text import console

DECIMALS = 6  # of a stored probability


@dataclass(frozen=True)
class Scoring:
    """A model whose predictions are to be written, their columns, and from what they are made.

    `check` has the hash of the table with the columns of the model's task.
    """

    model: Model
    shape: Shape
    state: str
    check: Check


def write_predictions(cursor: Any, scorings: list[Scoring]) -> dict[str, int]:
    """Replace the predictions of the models in the cursor's transaction; return model id → number of rows.

    Models with the same columns are scored together: each piece of the mart is read once. It is predicted with one
    thread, because more of them wait for each other, and for PostgreSQL, on a machine with few cores.

    Raises:
        RowsChanged: the mart was written after a check; nothing may be committed.
    """
    from threadpoolctl import threadpool_limits

    together: dict[str, list[Scoring]] = {}
    for scoring in scorings:
        make_room(cursor, scoring.model.task.task, scoring.shape, scoring.model.model_id)
        together.setdefault(f"{scoring.check.table_digest} {scoring.model.task.categorical}", []).append(scoring)
    written = dict.fromkeys((scoring.model.model_id for scoring in scorings), 0)
    for same in together.values():
        with _progress(same[0].model.task.task) as advance, threadpool_limits(1):
            for rows in pieces_of_rows(same[0].model.task, same[0].check):
                for scoring in same:
                    copy_rows(cursor, scoring.model.task.task, scoring.shape, _as_frame(scoring, rows))
                    written[scoring.model.model_id] += len(rows)
                advance(len(rows))
    for scoring in scorings:
        add_state(cursor, scoring.model.task.task, scoring.model.model_id, scoring.state)
    return written


def _as_frame(scoring: Scoring, rows: Any) -> Any:
    """Return the predictions with the columns of their table that are written."""
    import pandas as pd

    model = scoring.model
    probabilities = predict(model, rows)
    if model.is_binary:
        predicted = {
            "probability": probabilities.round(DECIMALS),
            "is_predicted_positive": has_positive_label(model, probabilities),
        }
    else:
        by_class = zip(probability_columns(model.classes), probabilities.round(DECIMALS).T, strict=True)
        predicted = {"predicted_label": most_probable(model, probabilities), **dict(by_class)}
    keys = {name: rows[name] for name in model.task.key}
    return pd.DataFrame({**keys, "model_id": model.model_id, **predicted, "is_stale": scoring.check.is_stale})


@contextmanager
def _progress(task: str) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many rows are scored; yield a function that adds some."""
    terminal = console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("scoring {task.description}: {task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        shown = progress.add_task(task, total=None)
        yield lambda rows: progress.advance(shown, rows)
