"""Names of jobs, parents from the environment, and errors without the values that their texts quote."""

from __future__ import annotations

import os
import sys
from unittest.mock import Mock

import psycopg2
import pytest

from loader.errors import AllRejected
from pipeline.errors import DbtFailed, RunRefused
from pipeline.openlineage.code_location import without_login
from pipeline.openlineage.listener import EventListener
from pipeline.openlineage.state_changes import (
    PARENT,
    ROOT_PARENT,
    Named,
    describe_error,
    end_state,
    given_parent,
    job_name,
    job_namespace,
)
from pipeline.openlineage.switch import send_events
from waybill.observing.work import Work, current_listener, observed

RUN = "01a229fd-b9ff-7171-aa19-eff71a2f14a2"


def test_jobs_are_named_by_what_they_work_on() -> None:
    kinds = {"run": "pipeline", "stage": "load", "load": "orders", "model": "stg_orders", "test": "stg_orders"}
    assert [job_name(Work(kind, name)) for kind, name in kinds.items()] == [
        "pipeline", "pipeline.load", "load.orders", "dbt.stg_orders", "dbt.stg_orders.test"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"airflow/waybill.load/{RUN}", Named(RUN, "airflow", "waybill.load")),
        (f"http://host/a/waybill.load/{RUN}", Named(RUN, "http://host/a", "waybill.load")),
        ("airflow/waybill.load/no-run", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_scheduler_names_the_parent(given: str, expected: Named | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", given)
    assert given_parent("OPENLINEAGE_PARENT_ID") == expected


def test_another_process_names_the_work_under_way_as_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARENT, f"airflow/waybill/{RUN}")
    listener = EventListener(Mock(), Mock())
    assert listener.environment() == {}
    run = Work("run", "pipeline")
    listener.started(run)
    for name, value in listener.environment().items():
        monkeypatch.setenv(name, value)
    assert given_parent(PARENT) == Named(str(run.run_id), job_namespace(), "pipeline")
    assert given_parent(ROOT_PARENT) == Named(RUN, "airflow", "waybill")


def test_the_namespace_of_jobs_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENLINEAGE_NAMESPACE", raising=False)
    assert job_namespace() == "waybill"
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "production")
    assert job_namespace() == "production"


def test_errors_are_described_without_their_text() -> None:
    described = [describe_error(error) for error in (DbtFailed("canary"), AllRejected("canary"), ValueError("canary"))]
    assert described[0] == "DbtFailed: when a dbt model or test failed"
    assert described[2] == "ValueError"
    assert "canary" not in " ".join(map(str, described))
    assert describe_error(psycopg2.OperationalError("canary")) == "OperationalError"
    assert describe_error(None) is None


def test_an_interrupt_aborts_and_an_error_fails() -> None:
    assert [end_state(error) for error in (None, ValueError(), KeyboardInterrupt())] == ["COMPLETE", "FAIL", "ABORT"]


def test_the_address_of_the_code_holds_no_password() -> None:
    assert without_login("https://me:secret@example.org/a.git?token=x") == "https://example.org/a.git"
    assert without_login("git@example.org:a.git") == "git@example.org:a.git"
    assert without_login("/srv/a.git") == "file:///srv/a.git"


def test_without_the_setting_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYBILL_OPENLINEAGE", raising=False)
    send_events()
    assert current_listener() is None
    with observed("stage", "load") as work:
        work.found["rows"] = 1


def test_a_missing_package_stops_the_command_before_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_OPENLINEAGE", "true")
    monkeypatch.setitem(sys.modules, "openlineage", None)  # type: ignore[arg-type]
    with pytest.raises(RunRefused) as refused:
        send_events()
    assert str(refused.value) == (
        "WAYBILL_OPENLINEAGE is true, but openlineage-python is not installed: run `make lineage`, or set it false"
    )
    assert current_listener() is None and "OPENLINEAGE_URL" not in os.environ
