"""The checks of models: who may mark them as outdated, and the state by which a changed table is found."""

from __future__ import annotations

import pytest

from tests.support.databases import rows
from warehouse.connection import cursor_of
from warehouse.logins import Role

pytestmark = [pytest.mark.creator, pytest.mark.plain]  # also on an external server: see `make test-server`


@pytest.mark.parametrize("role", ["transformer", "keeper", "trainer"])
def test_who_changes_marts_may_mark_a_check_as_outdated(module_database: str, role: Role) -> None:
    with cursor_of("trainer") as cursor:
        cursor.execute(
            "insert into predictions.model_checks (task, model_id, mart, is_stale, training_digest, table_digest)"
            " values (%s, gen_random_uuid(), 'orders', false, '', '')",
            [role],
        )
    with cursor_of(role) as cursor:
        cursor.execute("update predictions.model_checks set is_outdated = true where task = %s", [role])
    assert rows("select is_outdated from predictions.model_checks where task = %s", role) == [(True,)]


def test_the_state_of_a_table_changes_with_every_write(module_database: str) -> None:
    states = []
    for statement in (
        "create table marts.orders (order_id text)",
        "insert into marts.orders values ('1'), ('2')",
        "update marts.orders set order_id = order_id where order_id = '1'",
        "delete from marts.orders where order_id = '2'",
        "drop table marts.orders; create table marts.orders (order_id text)",
    ):
        with cursor_of("transformer") as cursor:
            cursor.execute(statement)
        states.append(state())
    assert len(set(states)) == len(states) and None not in states
    with cursor_of("transformer") as cursor:
        cursor.execute("analyze marts.orders")
    assert state() == states[-1]


def test_a_view_and_a_missing_table_have_no_state(module_database: str) -> None:
    with cursor_of("transformer") as cursor:
        cursor.execute("create view marts.counted as select 1 as orders")
    assert rows("select predictions.table_state('counted'), predictions.table_state('no such ''table')") == [
        (None, None)
    ]


def state() -> str | None:
    found: str | None = rows("select predictions.table_state('orders')")[0][0]
    return found
