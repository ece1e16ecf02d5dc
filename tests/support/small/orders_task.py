"""A table of orders whose channel depends on a number, for tests of several classes."""

from __future__ import annotations

from tests.support.small.task import TASK, execute

CHANNELS = {
    **{name: value for name, value in TASK.items() if name not in ("positive_label", "threshold")},
    "task": "channels",
    "table": "orders",
    "key": ["order_id", "line"],
    "label": "channel",
    "split": {},
    "categorical": ["shop"],
    "numeric": ["amount"],
    "candidates": {"logistic_regression": {}, "hist_gradient_boosting": {"max_iter": 5, "min_samples_leaf": 5}},
}  # type: dict[str, Any]


def make_orders(rows: int = 300) -> None:
    """Make marts.orders: every tenth row has no channel; the others have one of web, phone and -shop."""
    execute(
        "create table marts.orders (order_id bigint, line date, channel varchar(20), shop text, amount numeric,"
        " cafe integer, at timestamptz, empty numeric, primary key (order_id, line))",
        "insert into marts.orders select 9007199254740993 + n / 2, date '2024-01-01' + n % 2,"
        " case when n % 10 > 0 then (array['web', 'phone', '-shop'])[1 + n % 3] end,"
        " case n % 4 when 0 then null when 1 then 'NE' else 'SW' end,"
        " nullif((n % 3) * 10 + n % 7, 0), n % 40, timestamptz '2024-01-01 23:30Z' + n % 90 * interval '1 day', null"
        f" from generate_series(1, {rows}) as n",
        "grant select on marts.orders to waybill_trainer, waybill_reader",
    )
