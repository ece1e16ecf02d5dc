"""When labels land, the stored predictions are measured by month, and nothing is scored for it."""

from __future__ import annotations

import tracemalloc
from datetime import date
from typing import Any

import pytest

import ml.drift.realised_rows
from ml.drift.realised_rows import read_realised
from ml.predict import load_model
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.declared.orders import order
from tests.support.landing import land
from tests.support.small.shifting_orders import declare
from tests.support.small.task import execute
from warehouse.connection import connect, cursor_of
from warehouse.schema import ensure_raw_tables

EPOCH = date(1970, 1, 1)
FIGURES = "select month::text, is_predicted, rows, metrics from predictions.realised_figures order by 1, 2"


def land_batch() -> str:
    """Land a batch that the mart has processed; return its id."""
    batch = land("orders", order())
    execute(f"insert into intermediate.processed_batches values ('orders', '{batch}')")
    return str(batch)


def test_figures_by_month_are_of_rows_that_were_not_learnt_from(orders: dict[str, Any]) -> None:
    train("returned")
    score("returned")
    found = rows(FIGURES)
    assert [(month, is_predicted) for month, is_predicted, _, _ in found] == [
        ("2024-05-01", False),
        ("2024-06-01", False),
    ]
    assert sum(number for _, _, number, _ in found) == train("returned").manifest["rows"]["test"]
    for _, _, number, metrics in found:
        assert metrics["rows"] == number and metrics["roc_auc"] > 0.6
        low, high = metrics["intervals"]["roc_auc"]
        assert low < metrics["roc_auc"] < high


def test_labels_that_land_later_are_told_from_those_known(orders: dict[str, Any]) -> None:
    ensure_raw_tables(connect("owner"), ["orders"])
    first = land_batch()
    execute(
        f"update marts.orders set _batch_id = '{first}'",
        "create table marts.answers as select order_id, is_returned from marts.orders where ordered_on >= '2024-06-01'",
        "update marts.orders set is_returned = null where ordered_on >= '2024-06-01'",
    )
    train("returned")
    score("returned")
    assert [month for month, _, _, _ in rows(FIGURES)] == ["2024-05-01"]
    predicted = dict(rows("select order_id, probability from predictions.returned"))
    later = land_batch()
    execute(
        f"update marts.orders set is_returned = answers.is_returned, _batch_id = '{later}', minutes = 0"
        " from marts.answers where orders.order_id = answers.order_id and orders.ordered_on < '2024-06-20'"
    )
    assert score("returned").rows == 9000
    (_, may, _, _), (month, june, number, metrics) = rows(FIGURES)
    assert (may, june, month, number) == (False, True, "2024-06-01", metrics["rows"])
    kept = dict(rows("select key, probabilities[1] from predictions.realised_predictions"))
    assert len(kept) == number and all(predicted[key] == probability for key, probability in kept.items())
    assert metrics["roc_auc"] > 0.6  # the features changed, the kept predictions did not
    score("returned")
    execute(f"delete from marts.orders where _batch_id = '{later}'")
    score("returned")
    assert rows("select count(*) from predictions.realised_predictions") == [(0,)]
    assert [month for month, _, _, _ in rows(FIGURES)] == ["2024-05-01"]


def test_several_classes_have_their_own_figures(orders: dict[str, Any]) -> None:
    execute("alter table marts.orders add outcome text", "update marts.orders set outcome = case when is_returned"
            " then 'returned' when minutes > 30 then 'late' else 'kept' end")  # fmt: skip
    declare({**orders, "label": "outcome"})
    train("returned")
    score("returned")
    found = rows(FIGURES)
    assert len(found) == 2 and all({"macro_f1", "log_loss"} <= set(metrics) for _, _, _, metrics in found)
    assert rows("select kind, is_alarm from predictions.model_drift where name = 'predicted_label'") == [
        ("score", False)
    ]
    execute("update marts.orders set outcome = 'late' where ordered_on >= '2024-06-01'")
    score("returned")
    assert rows(FIGURES)[1][3] == {}


def test_with_groups_figures_are_of_later_batches(orders: dict[str, Any]) -> None:
    ensure_raw_tables(connect("owner"), ["orders"])
    batch = land_batch()
    execute("alter table marts.orders add buyer text", f"update marts.orders set buyer = right(order_id, 2), _batch_id = '{batch}'")  # fmt: skip
    declare({**orders, "split": {"group_column": "buyer"}})
    train("returned")
    score("returned")
    assert rows(FIGURES) == []
    later = land_batch()
    execute(f"insert into marts.orders select order_id || 'b', ordered_on, is_returned, shop, is_member, minutes, price,"
            f" is_gift, discount, always, '{later}', buyer from marts.orders limit 900")  # fmt: skip
    score("returned")
    ((_, is_predicted, number, metrics),) = rows(FIGURES)
    assert (is_predicted, number) == (False, 900) and metrics["intervals"]["roc_auc"]


def test_many_labelled_rows_take_little_memory(orders: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    train("returned")
    score("returned")
    copies = "select order_id || '-' || n, {} from {} cross join generate_series(1, 20) as n"
    columns = "ordered_on, is_returned, shop, is_member, minutes, price, is_gift, discount, always, _batch_id"
    predicted = "model_id, probability, is_predicted_positive, is_stale, scored_at"
    execute(
        f"insert into marts.orders (order_id, {columns}) {copies.format(columns, 'marts.orders')}"
        " where ordered_on >= '2024-05-01'",
        f"insert into predictions.returned_by_model (order_id, {predicted})"
        f" {copies.format(predicted, 'predictions.returned_by_model')}",
    )
    expected = rows("select date_trunc('month', ordered_on)::date, count(*) from marts.orders"
                    " where ordered_on >= '2024-05-01' group by 1 order by 1")  # fmt: skip
    monkeypatch.setattr(ml.drift.realised_rows, "PIECE_ROWS", 1000)
    model = load_model("returned")
    with cursor_of("trainer") as cursor:
        list(read_realised(cursor, model))  # imports what it needs
    tracemalloc.start()
    try:
        with cursor_of("trainer") as cursor:
            found = [(one.month, len(one.labels), one.blocks.min()) for one in read_realised(cursor, model)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(month, number) for month, number, _ in found] == expected
    assert all((month - EPOCH).days == first for month, _, first in found if month)
    assert peak < 80 * sum(number for _, number in expected)  # bytes; a list of rows takes four times as many
