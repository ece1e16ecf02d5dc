# waybill: sample
"""The bodies of requests: rows of the model's mart, by key and with their features, as each server takes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from psycopg2 import sql

from ml.api.data.features import FeatureReader
from ml.api.models.rows import Row
from ml.predict import Model
from warehouse.connection import cursor_of

ROWS = 5000
FILES = {"1 row": (1, 400), "100 rows": (100, 40), "1,000 rows": (1000, 5)}  # rows of a body, bodies of a file

Key = dict[str, Any]
Form = Callable[[Sequence[Key], Sequence[Row]], Any]  # makes the body of keys and rows


@dataclass(frozen=True)
class Chosen:
    """Rows of the mart, with their keys."""

    keys: list[Key]
    rows: list[Row]


def choose_rows(model: Model) -> Chosen:
    """Return rows of the mart at random, always the same ones, as the API reads them."""
    columns, table = sql.SQL(", ").join(map(sql.Identifier, model.task.key)), sql.Identifier(model.task.table)
    with cursor_of("reader") as cursor:
        cursor.execute(sql.SQL("select {0} from marts.{1} order by {0}").format(columns, table))
        keys = [dict(zip(model.task.key, row, strict=True)) for row in cursor.fetchall()]
    keys = random.Random(1).sample(keys, min(ROWS, len(keys)))  # noqa: S311
    reader = FeatureReader()
    found = [reader.read_features(model, keys[start : start + 1000]) for start in range(0, len(keys), 1000)]
    reader.close()
    return Chosen(keys, [row for part in found for row in part if row is not None])


def by_key(keys: Sequence[Key], rows: Sequence[Row]) -> Any:
    """Return the body of a request by key."""
    return {"keys": keys}


def by_features(keys: Sequence[Key], rows: Sequence[Row]) -> Any:
    """Return the body of a request with features given."""
    return {"features": rows}


def for_mlflow(keys: Sequence[Key], rows: Sequence[Row]) -> Any:
    """Return the body that MLflow reads fastest: the names of the columns once."""
    return {"dataframe_split": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}}


def write_bodies(chosen: Chosen, form: Form, size: str, folder: Path) -> Path:
    """Write a file with one body a line, each of other rows."""
    file = folder / f"{form.__name__} {size}".replace(" ", "_")
    file.write_bytes(b"\n".join(_bodies(chosen, form, *FILES[size])) + b"\n")
    return file


def _bodies(chosen: Chosen, form: Form, rows: int, number: int) -> Iterator[bytes]:
    for start in range(0, number * rows, rows):
        places = [place % len(chosen.rows) for place in range(start, start + rows)]
        yield orjson.dumps(form([chosen.keys[place] for place in places], [chosen.rows[place] for place in places]))
