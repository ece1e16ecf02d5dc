"""Predictions of an older layout are migrated in place: no row changes, and the column has a neutral name."""

from __future__ import annotations

import uuid

import pytest

from tests.support.databases import rows
from tests.support.old_layouts import restored_layout
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
