"""Checks restored models: their files against their manifests, and stored predictions against the models' answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from psycopg2 import sql

from ml.checking.verification import Verification, verify
from ml.errors import ModelError
from ml.predict import Model, load_model, predict
from ml.prediction_tables.by_model import read_states
from ml.prediction_tables.scoring import DECIMALS
from ml.prediction_tables.shape import column_types, probability_columns, table_of
from ml.reading.frame import stream_rows
from ml.reading.selection import as_text
from ml.registry.artefact import current_manifest
from ml.task import BY_MODEL, read_task, task_names
from pipeline.backups.errors import RestoreDiffers
from warehouse.connection import cursor_of
from waybill.text import counted

STORED = "select {key}, {columns} from {table} where model_id = %s and ({key}) in (select * from unnest({given}))"
ROWS = 100  # of each task whose predictions are made again


def check_models() -> Iterator[str]:
    """Yield a line for each task that has a current model: what is unchanged, and how many predictions are equal.

    Raises:
        RestoreDiffers: a model's file differs from its manifest, or the model predicts something else than is stored.
    """
    for name in task_names():
        try:
            declared, manifest = read_task(name), current_manifest(name)
            if manifest is None:
                continue
            verified = verify(declared, manifest)
        except ModelError as error:
            raise RestoreDiffers(f"the model of {name} cannot be used: {error}") from None
        yield f"model {name}: {_describe(verified)}; {_compare_predictions(name, verified)}"


def _describe(verified: Verification) -> str:
    """Return which parts changed since training.

    Raises:
        RestoreDiffers: the model's file did, which no backup may change.
    """
    changed = [finding for finding in verified.findings if finding.is_unchanged is False]
    for finding in changed:
        if finding.part == "file":
            raise RestoreDiffers(f"the model of {verified.task}: {finding.detail}")
    return "unchanged" if not changed else f"{', '.join(one.part for one in changed)} changed since training"


def _compare_predictions(name: str, verified: Verification) -> str:
    """Predict rows of the mart again and compare them with the stored predictions, if these are of today's rows."""
    try:
        model = load_model(name)
    except ModelError as error:
        return f"not predicted again: {error}"
    with cursor_of("trainer") as cursor:
        state = read_states(cursor, name).get(model.model_id)
    if state is None:
        return "no stored prediction"
    if verified.check is None or not state.endswith(verified.check.table_digest):
        return "the rows changed after the last scoring, predictions not compared"
    with closing(stream_rows(model.task, ROWS)) as pieces:
        rows = next(pieces, None)
    if rows is None:
        return "no row to predict"
    stored = _stored(model, rows)
    made = _made(model, rows)
    different = sum(stored.get(key) != values for key, values in made.items())
    if different:
        raise RestoreDiffers(
            f"the model of {name} predicts something else for {counted(different, 'row')} of {len(made)} than the "
            "backup holds: compare the versions of the packages with the model's manifest"
        )
    return f"{counted(len(made), 'prediction')} made again, equal"


def _made(model: Model, rows: Any) -> dict[tuple[str, ...], list[float]]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        probabilities = predict(model, rows).round(DECIMALS)
    values = probabilities.reshape(len(rows), -1).tolist()
    keys = zip(*(rows[name].astype("object") for name in model.task.key), strict=True)
    return dict(zip(keys, values, strict=True))


def _stored(model: Model, rows: Any) -> dict[tuple[str, ...], list[float]]:
    task, columns = model.task, ["probability"] if model.is_binary else list(probability_columns(model.classes))
    with cursor_of("trainer") as cursor:
        types = column_types(cursor, "predictions", f"{task.task}{BY_MODEL}")
        key = sql.SQL(", ").join(as_text(name, types[name]) for name in task.key)
        query = sql.SQL(STORED).format(
            key=key,
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            table=table_of(task.task),
            given=sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(task.key)),
        )
        cursor.execute(query, [model.model_id, *(list(rows[name].astype("object")) for name in task.key)])
        return {tuple(row[: len(task.key)]): list(row[len(task.key) :]) for row in cursor.fetchall()}
