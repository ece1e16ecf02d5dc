"""Features by key are read as scoring reads them, whatever the types of key and features."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ml.api.data.connections import Connections
from ml.api.data.errors import DatabaseAway
from ml.api.data.features import FeatureReader
from ml.errors import ModelError, NothingToLearn, TaskBroken
from ml.predict import Model
from ml.reading.frame import read_rows
from ml.task import Task
from tests.support.small.task import TASK, execute
from warehouse import embedded
from warehouse.connection import current_warehouse, cursor_of, forget

# type of the column → SQL of its values in some rows; a null is added
NUMBERS = {
    "smallint": ["-32768", "7"],
    "integer": ["2147483647", "-1"],
    "bigint": ["9007199254740993", "9223372036854775807"],
    "numeric": ["0.1", "'NaN'", "1e-400", "123456789012345678901234567890.123456789"],
    "real": ["0.1", "'NaN'", "1e-45"],
    "double precision": ["0.1", "1e-320", "-0.0", "1e38"],
    "boolean": ["true", "false"],
}
TEXTS = {
    "text": ["''", "'é'", "E'a\\nb,\"c'", "' a '"],
    "varchar(10)": ["'abc'", "''"],
    "char(5)": ["'ab'", "''"],
    "bool": ["true", "false"],
    "int": ["10", "9"],
    "numeric(9,2)": ["1.50", "'NaN'"],
    "real": ["0.1", "1e30"],
    "date": ["'2024-02-29'", "'infinity'"],
    "timestamp": ["'2024-02-29 12:30:00.25'"],
    "timestamptz": ["'2024-02-29 23:30:00+05'"],
    "uuid": ["'00000000-0000-7000-8000-00000000000A'"],
    "jsonb": ["""'{"b": 1, "a": [null]}'"""],
    "inet": ["'10.0.0.1/8'"],
}
# type of a key → SQL of a value, spellings in JSON that find it, others that no row has or that the type cannot hold
KEYS = {
    "text": ("'a''b'", ["a'b"], ["ab", "", "a'b ", "\0", "\ud800", 5, True, None, ["a'b"]]),
    "varchar(5)": ("'abc'", ["abc"], ["ab", "abcdefgh"]),
    "char(5)": ("'abc'", ["abc", "abc  "], ["a"]),
    "smallint": ("7", [7, "7"], [70_000, "abc", "", 1.5, 7.5, True, None, 10**30, "7; select 1"]),
    "integer": ("7", [7, "7", "+7"], [2**31, "0x", "7a"]),
    "bigint": (
        "9007199254740993",
        [9007199254740993, "9007199254740993"],
        [9007199254740992, 2**63, 9007199254740992.0],
    ),
    "numeric": ("1.50", [1.5, "1.5", "1.50"], ["1,5", "one", 10**40, 1e300]),
    "boolean": ("true", [True, "true", "t"], [False, "maybe", None, 2]),
    "uuid": ("'00000000-0000-7000-8000-00000000000A'", ["00000000-0000-7000-8000-00000000000a"], ["0000", "", 7]),
    "date": ("'2024-02-29'", ["2024-02-29"], ["2023-02-29", "tuesday", 20240230, ""]),
    "timestamp": ("'2024-02-29 12:30'", ["2024-02-29T12:30:00", "2024-02-29 12:30"], ["2024-02-29", "12:30"]),
    "timestamptz": ("'2024-02-29 12:30Z'", ["2024-02-29T12:30:00Z", "2024-02-29 14:30+02"], ["2024-02-29T14:30:00Z"]),
}  # type: dict[str, tuple[str, list[Any], list[Any]]]


@pytest.fixture
def reader() -> Iterator[FeatureReader]:
    reader = FeatureReader()
    yield reader
    reader.close()


def model_of(**declared: Any) -> Model:
    """Return a model of a task on marts.typed, with the pipeline and manifest that reading does not need."""
    task = Task.model_validate({**TASK, "table": "typed", "split": {}, "categorical": [], "numeric": [], **declared})
    return Model(task, {"model_id": f"of {declared}", "features_left_out": []})


def make_table(columns: dict[str, str], rows: list[list[str]]) -> None:
    """Make marts.typed with a boolean label, columns by type, and rows of SQL."""
    named = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    values = ", ".join(f"(n % 2 = 0, {', '.join(row)})".replace("n %", f"{n} %") for n, row in enumerate(rows))
    execute(
        "drop table if exists marts.typed",
        f"create table marts.typed (is_late boolean, {named})",
        f"insert into marts.typed values {values}",
        "grant select on marts.typed to waybill_trainer, waybill_api",
    )


def in_batch(model: Model) -> dict[str, dict[str, Any]]:
    """Return key → features as scoring reads them: float32, None for a missing value."""
    frame = read_rows(model.task)
    rows = frame[[*model.task.key, *model.features]].to_dict("records")
    return {str(row["row_id"]): {name: plain(row[name]) for name in model.features} for row in rows}


def plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def as_float32(features: dict[str, Any]) -> dict[str, Any]:
    return {name: float(np.float32(value)) if isinstance(value, float) else value for name, value in features.items()}


def test_every_type_of_feature_is_read_as_in_batch(database: str, reader: FeatureReader) -> None:
    columns = {**{f"n {kind}": kind for kind in NUMBERS}, **{f"t {kind}": kind for kind in TEXTS}}
    named = {name: f"c{number}" for number, name in enumerate(columns)}
    given = [*NUMBERS.values(), *TEXTS.values()]
    rows = [
        [f"'r{number}'", *(values[number] if number < len(values) else "null" for values in given)]
        for number in range(6)
    ]
    make_table({"row_id": "text", **{named[name]: kind for name, kind in columns.items()}}, rows)
    model = model_of(
        numeric=[named[f"n {kind}"] for kind in NUMBERS], categorical=[named[f"t {kind}"] for kind in TEXTS]
    )
    found = reader.read_features(model, [{"row_id": f"r{number}"} for number in range(6)])
    batch = in_batch(model)
    assert [as_float32(one or {}) for one in found] == [batch[f"r{number}"] for number in range(6)]
    assert [list(one or {}) for one in found] == [model.features] * 6
    assert set((found[5] or {"": 1}).values()) == {None}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_found_by_its_value_whatever_its_type(database: str, reader: FeatureReader, kind: str) -> None:
    value, spellings, others = KEYS[kind]
    make_table({"row_id": kind, "amount": "integer"}, [[value, "42"], ["null", "43"]])
    model = model_of(numeric=["amount"])
    found = reader.read_features(model, [{"row_id": given} for given in [*spellings, *others]])
    assert found == [{"amount": 42.0}] * len(spellings) + [None] * len(others)


def test_composite_keys_keep_the_order_of_the_request(database: str, reader: FeatureReader) -> None:
    make_table({"order_id": "bigint", "line": "date", "amount": "numeric", "wanted": "text"},
               [["1", "'2024-01-01'", "10.5", "'x'"], ["1", "'2024-01-02'", "11", "'y'"], ["2", "'2024-01-01'", "null", "''"]])  # fmt: skip
    model = model_of(key=["order_id", "line"], numeric=["amount"], categorical=["wanted"])
    assert reader.key_types(model) == {"order_id": "bigint", "line": "date"}
    keys = [(2, "2024-01-01"), (1, "2024-01-02"), (9, "2024-01-01"), (1, "2024-01-02"), (1, "2024-01-01"), (1, None)]
    found = reader.read_features(model, [{"line": line, "order_id": order_id} for order_id, line in keys])
    second = {"wanted": "y", "amount": 11.0}
    assert found == [{"wanted": None, "amount": None}, second, None, second, {"wanted": "x", "amount": 10.5}, None]


def test_a_feature_that_is_also_a_key_is_read(database: str, reader: FeatureReader) -> None:
    make_table({"a": "text", "b": "text", "amount": "int"}, [["'x'", "'y'", "1"]])
    model = model_of(key=["a", "b"], categorical=["b"], numeric=["amount"])
    assert reader.read_features(model, [{"a": "x", "b": "y"}]) == [{"b": "y", "amount": 1.0}]


def test_a_feature_that_the_model_left_out_is_not_read(database: str, reader: FeatureReader) -> None:
    make_table({"row_id": "int", "amount": "int", "empty": "int"}, [["1", "5", "null"]])
    model = model_of(numeric=["amount", "empty"])
    model.manifest["features_left_out"] = ["empty"]
    assert reader.read_features(model, [{"row_id": 1}]) == [{"amount": 5.0}]
    assert reader.read_features(model, []) == []


def test_a_mart_that_is_made_again_is_read_with_its_types(database: str, reader: FeatureReader) -> None:
    make_table({"row_id": "int", "amount": "numeric"}, [["1", "5"]])
    model = model_of(numeric=["amount"])
    assert reader.read_features(model, [{"row_id": 1}]) == [{"amount": 5.0}]
    make_table({"row_id": "text", "amount": "boolean"}, [["'one'", "true"]])
    assert reader.read_features(model, [{"row_id": "one"}]) == [{"amount": 1.0}]


def test_a_mart_that_the_task_does_not_fit_is_an_error(database: str, reader: FeatureReader) -> None:
    model = model_of(numeric=["amount"])
    with pytest.raises(NothingToLearn, match=r"there is no table marts\.typed"):
        reader.read_features(model, [{"row_id": 1}])
    make_table({"row_id": "int", "other": "int"}, [["1", "5"]])
    with pytest.raises(TaskBroken, match="has no column amount"):
        reader.read_features(model, [{"row_id": 1}])
    make_table({"row_id": "int", "amount": "real"}, [["1", "'infinity'"], ["2", "1"], ["2", "2"]])
    with pytest.raises(ModelError, match="holds infinity in amount"):
        reader.read_features(model, [{"row_id": 1}])
    with pytest.raises(TaskBroken, match=r"several rows have: correct `key` in ml/tasks/small\.yml"):
        reader.read_features(model, [{"row_id": 2}])


def test_reading_writes_nothing_and_ends_in_time(database: str) -> None:
    connections = Connections()
    assert connections.run(value_of("show transaction_read_only")) == "on"
    assert connections.run(value_of("select current_user")) == "waybill_api"
    with pytest.raises(DatabaseAway, match="took longer than 5s"):
        connections.run(value_of("select pg_sleep(30)"))
    assert connections.run(value_of("select 1")) == 1
    connections.close()


def value_of(statement: str) -> Any:
    def read(cursor: Any) -> Any:
        cursor.execute(statement)
        return cursor.fetchone()[0]

    return read


def test_no_more_connections_are_opened_than_allowed(database: str) -> None:
    connections = Connections(1, wait_seconds=0.1)

    def nested(cursor: Any) -> None:
        connections.run(value_of("select 1"))

    with pytest.raises(DatabaseAway, match="all 1 connections to the database are in use"):
        connections.run(nested)
    assert connections.run(value_of("select 1")) == 1
    with cursor_of("owner") as cursor:
        cursor.execute("select count(*) from pg_stat_activity where application_name = 'waybill api'")
        assert cursor.fetchone() == (1,)
    connections.close()


def test_a_restart_of_the_server_is_survived(database: str, reader: FeatureReader) -> None:
    make_table({"row_id": "int", "amount": "int"}, [["1", "5"]])
    model = model_of(numeric=["amount"])
    key = [{"row_id": 1}]
    assert reader.read_features(model, key) == [{"amount": 5.0}]
    server = current_warehouse().server
    if server is None:
        pytest.skip("stops the embedded server")
    embedded.stop(server)
    for _ in range(2):
        with pytest.raises(DatabaseAway, match=r"refused the connection|was lost"):
            reader.read_features(model, key)
    forget()
    with cursor_of("owner"):  # starts it
        pass
    assert reader.read_features(model, key) == [{"amount": 5.0}]
    embedded.stop(server)
    embedded.start(server)
    assert reader.read_features(model, key) == [{"amount": 5.0}]
