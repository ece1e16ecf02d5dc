"""Rows that arrive after training are compared with what the model learnt from, in the warehouse."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from click.testing import CliRunner

from ml.drift.command import model_drift
from ml.drift.counting import count_since_training
from ml.drift.histogram import Bins, Histogram, count
from ml.drift.measure import compare_with_training, measure_drift
from ml.errors import NoModel
from ml.predict import Model, load_model
from ml.reading.frame import read_rows
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.declared.orders import order
from tests.support.landing import land
from tests.support.small.shifting_orders import declare
from tests.support.small.task import execute
from warehouse.connection import connect, cursor_of
from warehouse.schema import ensure_raw_tables

SINCE = "where ordered_on >= '2024-05-01'"
SPREAD = 10.2  # the standard deviation of minutes


def alarms() -> dict[str, list[str]]:
    return dict(rows("select name, alarms from predictions.model_drift where is_alarm order by 1"))


def test_without_a_shift_there_is_no_alarm(orders: dict[str, Any]) -> None:
    train("returned")
    assert "MODEL DRIFT" not in score("returned").summary
    found = rows("select kind, name, rows, missing_share from predictions.model_drift order by 1, 2")
    assert [(kind, name) for kind, name, _, _ in found] == [
        ("category", "is_member"), ("category", "shop"), ("number", "always"), ("number", "discount"),
        ("number", "is_gift"), ("number", "minutes"), ("number", "price"), ("score", "probability"),
    ]  # fmt: skip
    assert {number for _, _, number, _ in found} == {rows(f"select count(*) from marts.orders {SINCE}")[0][0]}
    assert {missing for _, _, _, missing in found} == {0.0}
    assert alarms() == {}


def test_a_value_of_many_rows_that_is_an_edge_has_one_bin(orders: dict[str, Any]) -> None:
    """As 32 bits, 0.01 is less than the same of 64 bits, which the table has."""
    execute(
        "update marts.orders set discount = 0",
        "update marts.orders set discount = (1 + hashtext(order_id) & 31) / 100.0 where hashtext('a' || order_id) % 4 = 0",
    )
    train("returned")
    score("returned")
    model = load_model("returned")
    then = Histogram.from_json(model.manifest["reference"]["features"]["discount"])
    later = read_rows(model.task).query("_set_of_split == 2")
    (expected,) = count(then.bins, later["discount"], np.zeros(len(later), dtype=int), 1)
    counted = rows_in_bins(model, then.bins)
    assert counted == expected.counts
    assert any(edge == round(edge, 2) for edge in then.bins.edges), "an edge is one of the values"


def rows_in_bins(model: Model, bins: Bins) -> tuple[int, ...]:
    """Return how many rows since training PostgreSQL counts in each bin of the discount."""
    with cursor_of("trainer") as cursor:
        found = count_since_training(cursor, model, {"discount": bins}, ("probability", Bins("number")))
    return found.histograms[0].counts


PLANTED = {
    f"minutes = minutes + {SPREAD} * 0.25": ("minutes", r"PSI 0\.0"),
    "minutes = minutes * 60": ("minutes", r"size times (59|60)[.0-9]*, another unit\?"),
    "price = price * 1.609": ("price", r"size times 1\.[56]\d?, another unit\?"),
    "price = case when hashtext(order_id) % 20 = 0 then null else price end": ("price", r"missing [45]\.\d%, in"),
    "shop = case when hashtext(order_id) % 50 = 0 then 'W' else shop end": ("shop", r"new values [12]\.\d%"),
    "is_gift = not is_gift": ("is_gift", "PSI"),
    "always = 8": ("always", "PSI"),
    "discount = discount + 0.1": ("discount", "PSI"),
}


def test_a_planted_shift_is_found_and_its_column_named(orders: dict[str, Any]) -> None:
    train("returned")
    score("returned")
    model = load_model("returned")
    with cursor_of("owner") as cursor:
        for change, (column, measure) in PLANTED.items():
            cursor.execute("savepoint before_the_shift")
            cursor.execute(f"update marts.orders set {change} {SINCE}")
            found = {one.name: one.alarms for one in compare_with_training(cursor, model).columns if one.alarms}
            assert list(found) == [column], change
            assert any(re.match(rf"{measure}.* \(limit \d", alarm) for alarm in found[column]), found
            cursor.execute("rollback to savepoint before_the_shift")


def test_an_alarm_is_a_warning_of_the_run(orders: dict[str, Any]) -> None:
    train("returned")
    execute(f"update marts.orders set minutes = minutes * 60 {SINCE}")
    scored = score("returned")
    assert scored.rows == 9000 and "; MODEL DRIFT in 2 columns: minutes PSI " in scored.summary
    assert ", probability PSI" in scored.summary
    assert scored.summary.endswith("waybill model-drift returned` shows all")
    assert list(alarms()) == ["minutes", "probability"]


def test_nothing_is_measured_again_until_something_changes(orders: dict[str, Any]) -> None:
    train("returned")
    score("returned")
    model = load_model("returned")
    measured = rows("select measured_at from predictions.model_drift")
    assert score("returned").rows == 0 and measure_drift(model) is None
    assert rows("select measured_at from predictions.model_drift") == measured
    execute("delete from predictions.model_drift")  # as if the run had been killed before it measured
    score("returned")
    assert len(rows("select from predictions.model_drift")) == 8
    execute("update predictions.model_drift set scored_at = 'epoch'")  # as an upgrade does
    assert score("returned").rows == 0
    assert rows("select count(*) from predictions.model_drift where scored_at > 'epoch'") == [(8,)]


def test_few_rows_and_no_rows_raise_no_alarm(orders: dict[str, Any]) -> None:
    train("returned")
    execute(f"delete from marts.orders {SINCE} and order_id not in ('o150', 'o151')")
    execute(f"update marts.orders set minutes = minutes * 60 {SINCE}")
    score("returned")
    assert rows("select distinct rows, is_alarm from predictions.model_drift") == [(2, False)]
    execute(f"delete from marts.orders {SINCE}")
    score("returned")
    assert rows("select distinct rows, psi, is_alarm from predictions.model_drift") == [(0, None, False)]


def test_without_a_time_the_rows_of_later_batches_count(orders: dict[str, Any]) -> None:
    declare({**orders, "split": {}})
    ensure_raw_tables(connect("owner"), ["orders"])
    batch = land("orders", order())
    execute(
        f"insert into intermediate.processed_batches values ('orders', '{batch}')",
        f"update marts.orders set _batch_id = '{batch}'",
    )
    model = train("returned")
    assert model.manifest["reference"]["limits_from"] == "7 pairs of random parts"
    score("returned")
    assert rows("select distinct rows from predictions.model_drift") == [(0,)]
    execute(
        "insert into marts.orders select order_id || 'b', ordered_on, is_returned, shop, is_member, minutes * 60, price,"
        " is_gift, discount, always, md5('later')::uuid from marts.orders limit 3000"
    )
    score("returned")
    assert set(alarms()) - {"probability"} == {"minutes"}
    assert rows("select distinct rows from predictions.model_drift") == [(3000,)]


def test_a_model_of_an_older_version_is_not_measured(orders: dict[str, Any]) -> None:
    train("returned")
    score("returned")
    model = load_model("returned")
    del model.manifest["reference"]
    assert measure_drift(model, force=True) is None


def test_the_manifest_holds_no_value_of_a_single_row(orders: dict[str, Any]) -> None:
    execute("update marts.orders set price = 1234.56, shop = 'Ms Fox' where order_id = 'o1'")
    reference = str(train("returned").manifest["reference"])
    assert "1234" not in reference and "1235" not in reference and "Fox" not in reference


def test_the_command_shows_every_column_and_measures_again(orders: dict[str, Any]) -> None:
    ran = CliRunner().invoke(model_drift, ["returned"])
    assert isinstance(ran.exception, NoModel) and "no model for returned: train one with" in str(ran.exception)
    train("returned")
    ran = CliRunner().invoke(model_drift, ["returned"])
    assert "the current model of returned has no predictions to measure: write them with" in str(ran.exception)
    score("returned")
    execute(f"update marts.orders set minutes = minutes * 60 {SINCE}")  # a dbt run without a score
    output = CliRunner().invoke(model_drift, ["returned"]).output
    assert output.startswith(
        "returned: 2,989 rows from 2024-05-01 on; limits from 3 pairs of months; 1 column differs\n"
    )
    lines = output.splitlines()
    assert lines[1].split() == ["column", "kind", "PSI", "limit", "missing", "new", "size"]
    assert lines[2].startswith("minutes") and lines[2].endswith("ALARM") and len(lines) == 11
    assert lines[-1].startswith("ALARM minutes: PSI ")
    assert list(alarms()) == ["minutes"]
