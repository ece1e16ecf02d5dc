"""The declaration of a task on orders of half a year, and the statement that makes their table."""

from __future__ import annotations

from typing import Any

import yaml

import ml.task

ORDERS = {
    "task": "returned",
    "table": "orders",
    "key": "order_id",
    "label": "is_returned",
    "split": {"time_column": "ordered_on", "validation_from": "2024-04-01", "test_from": "2024-05-01"},
    "categorical": ["shop", "is_member"],
    "numeric": ["minutes", "price", "is_gift", "discount", "always"],
    "candidates": {"logistic_regression": {}},
}
# Hashes instead of random numbers: the rows are the same in every run and do not depend on each other.
MAKE = """
create table marts.orders as
with drawn as (
    select n, (hashint8extended(n, 1) & 65535) / 65536.0 as first, (hashint8extended(n, 2) & 65535) / 65536.0 as second,
        (hashint8extended(n, 3) & 65535) / 65536.0 as third, (hashint8extended(n, 4) & 65535) / 65536.0 as fourth
    from generate_series(1, 9000) as n
)
select 'o' || n as order_id, date '2024-01-01' + (n % 182)::int as ordered_on, first + fourth > 1.2 as is_returned,
    case when second < 0.5 then 'NE' when second < 0.9 then 'SW' else 'N' end as shop, third < 0.3 as is_member,
    30 + 10 * sqrt(-2 * ln(first + 0.00001)) * cos(6.283185 * second) as minutes, round((20 * third)::numeric, 2) as price,
    fourth < 0.1 as is_gift, case when fourth < 0.8 then 0 else round((fourth * 10)::numeric, 1) end as discount,
    7 as always, md5('batch' || n % 5)::uuid as _batch_id
from drawn
"""


def declare(declaration: dict[str, Any]) -> dict[str, Any]:
    (ml.task.TASKS / f"{declaration['task']}.yml").write_text(yaml.safe_dump(declaration))
    return declaration
