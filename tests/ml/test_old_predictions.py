# waybill: sample
"""Predictions of an older layout are migrated in place: no row changes, the table becomes that of several models."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from ml.errors import TableInUse
from ml.prediction_tables.conversion import convert_older_table
from tests.support.databases import execute_on_server, rows
from tests.support.old_layouts import restored_layout
from tests.support.small.task import execute
from warehouse.connection import current_warehouse, login_parameters, open_connection
from waybill.settings import get_settings

pytestmark = pytest.mark.skipif(not get_settings().is_embedded, reason="dumps name the embedded server's logins")

PREDICTIONS = (
    "select flight_id, model_id, probability, {}, is_stale, scored_at from predictions.flight_delays_small order by 1"
)


@pytest.mark.usefixtures("server")
def test_an_upgrade_renames_the_column_and_keeps_every_row() -> None:
    with restored_layout(5, f"predictions_{uuid.uuid4().hex[:8]}"):
        connection = open_connection(login_parameters(current_warehouse(), "owner"))
        with connection, connection.cursor() as cursor:
            cursor.execute(PREDICTIONS.format("is_predicted_late"))
            before = cursor.fetchall()
            cursor.execute("select obj_description('predictions.flight_delays_small'::regclass)")
            state = cursor.fetchall()
        connection.close()
        assert rows(PREDICTIONS.format("is_predicted_positive")) == before
        assert len(before) == 112
        assert rows("select obj_description('predictions.flight_delays_small'::regclass)") == state


NAME = "predictions.flight_delays_small"
USERS_VIEW = f"""
create view public.scores with (security_barrier = true) as
select flight_id, probability from {NAME} where probability > 0
"""
GRANTS = f"""
select grantee::regrole::text, privilege_type, is_grantable
from pg_class, aclexplode(relacl) where oid = '{NAME}'::regclass and grantee <> relowner order by 1
"""
COLUMNS = f"""
select attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
from pg_attribute where attrelid = '{NAME}'::regclass and attnum > 0 and not attisdropped order by attnum
"""


@pytest.fixture
def analyst(server: object) -> Iterator[str]:
    """Create a role that no Waybill knows, and drop it at the end."""
    name = f"analyst_{uuid.uuid4().hex[:8]}"
    execute_on_server(f"create role {name} nologin")
    yield name
    execute_on_server(f"drop role {name}")


def kind(relation: str) -> str:
    return str(rows("select relkind::text from pg_class where oid = to_regclass(%s)", relation)[0][0])


@pytest.mark.parametrize("layout", [5, 13])  # 13 is the last one in which score itself made this table
def test_an_older_table_becomes_a_view_and_keeps_the_rest(analyst: str, layout: int) -> None:
    with restored_layout(layout, f"predictions_{uuid.uuid4().hex[:8]}"):
        before, columns = rows(PREDICTIONS.format("is_predicted_positive")), rows(COLUMNS)
        execute(USERS_VIEW, "create view public.upon as select count(*) as rows from public.scores",
                f"grant select on {NAME} to {analyst} with grant option", f"grant select on public.scores to {analyst}",
                f"grant select on public.upon to waybill_reader, {analyst}")  # fmt: skip
        grants, state = rows(GRANTS), rows(f"select obj_description('{NAME}'::regclass)")
        seen = rows("select * from public.upon")
        for _ in range(2):
            convert_older_table("flight_delays_small")
        assert (kind(NAME), kind(f"{NAME}_by_model")) == ("v", "r")
        assert rows(PREDICTIONS.format("is_predicted_positive")) == before and len(before) == 112
        assert rows(COLUMNS) == columns
        assert rows(GRANTS) == grants and (analyst, "SELECT", True) in grants
        assert rows(f"select obj_description('{NAME}'::regclass)") == state
        execute(f"insert into {NAME}_by_model select flight_id, gen_random_uuid(), 1, true, false from {NAME}")
        assert rows("select * from public.upon") == seen, "the user's view has the current model's rows alone"
        assert rows("select reloptions from pg_class where relname = 'scores'") == [(["security_barrier=true"],)]
        assert rows(PREDICTIONS.format("is_predicted_positive")) == before


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("dependent", "named"),
    [
        (f"create materialized view public.copied as table {NAME}", "materialized view public.copied"),
        (
            "create function public.number() returns bigint language sql"
            f" begin atomic select count(*) from {NAME}; end",
            "function public.number()",
        ),
        (f"create table public.notes (flight_id text references {NAME})", "public.notes"),
    ],
)
def test_what_cannot_be_kept_is_named_and_nothing_changes(dependent: str, named: str) -> None:
    with restored_layout(5, f"predictions_{uuid.uuid4().hex[:8]}"):
        before = rows(PREDICTIONS.format("is_predicted_positive"))
        execute(dependent)
        with pytest.raises(TableInUse) as raised:
            convert_older_table("flight_delays_small")
        assert str(raised.value).startswith(
            f"{NAME} must become a view, so that it can show one of several models, but "
        )
        assert named in str(raised.value) and str(raised.value).endswith("drop that, then `make score`")
        assert kind(NAME) == "r" and rows(PREDICTIONS.format("is_predicted_positive")) == before
