"""A warehouse in which nothing needs attention, into which a test plants one thing that does."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import yaml

import ml.task
import pipeline.dbt.sources_files
from loader.landing.raw_tables import make_raw_tables
from pipeline.stage_list import read_stages
from pipeline.stages import WORK, StageResult
from tests.support.declared.orders import declare_orders, order
from tests.support.landing import land
from tests.support.small.task import TASK, execute
from waybill.settings import get_settings

MODEL = "01999999-0000-7000-8000-000000000001"
FRESH = {
    "sources": [{"name": "raw", "tables": [
        {"name": "orders", "config": {"freshness": {"warn_after": {"count": 30, "period": "day"}}}}
    ]}]
}  # fmt: skip
RUN = """
insert into ledger.runs (run_id, command, started_at, ended_at, outcome, detail, versions)
values ('{run_id}', 'pipeline', now() - interval '{ago}', {ended}, '{outcome}', {detail}, '{{}}')
"""
STAGE = """
insert into ledger.stage_runs (stage_run_id, run_id, kind, stage, machine, started_at, outcome, rows, wall_seconds,
    cpu_seconds, peak_bytes, mean_bytes, energy_joules, co2_grams, energy_method, assumptions)
values (gen_random_uuid(), {run_id}, 'stage', '{stage}', 'm', now() - interval '{ago}', '{outcome}', 0, 1,
    1, 1, 1, 1, 1, 'estimate', '{{}}')
"""


@pytest.fixture(autouse=True)
def only_the_test_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the disk of this machine, and the receivers and the broker that the environment may name."""
    for name in [name for name in os.environ if name.startswith("WAYBILL_ALERT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WAYBILL_ALERT_DISK_PERCENT", "0")
    monkeypatch.setenv("WAYBILL_ALERT_DISK_BYTES", "0")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One source, which dbt declares too, and one task with a current model, in temporary folders."""
    declare_orders(tmp_path / "declared", monkeypatch)
    models = tmp_path / "dbt" / "models"
    models.mkdir(parents=True)
    (models / "_raw_orders.yml").write_text(yaml.safe_dump(FRESH))
    (models / "int_orders_outcomes.sql").touch()
    monkeypatch.setattr(pipeline.dbt.sources_files, "DBT_PROJECT", tmp_path / "dbt")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "small.yml").write_text(yaml.safe_dump(TASK))
    monkeypatch.setattr(ml.task, "TASKS", tmp_path / "tasks")
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    (tmp_path / "models" / "small").mkdir(parents=True)
    (tmp_path / "models" / "small" / "current").write_text(MODEL)
    return tmp_path


@pytest.fixture
def quiet(project: Path, database: str) -> Iterator[UUID]:
    """A warehouse after a run: one batch of a hundred orders, each with an outcome. Return the batch."""
    make_raw_tables()
    batch = land("orders", *map(order, range(100)))
    execute(
        run("01999999-0000-7000-8000-00000000000a", ago="2 hours"),
        *(stage(name, ago="2 hours") for name in ("load", "check-raw", "report")),
        "create table intermediate.int_orders_outcomes as"
        " select 'orders' as source, _batch_id, _position, 'current' as outcome from raw.orders",
        "create view intermediate.document_outcomes as select * from intermediate.int_orders_outcomes",
        f"create table intermediate.run_batches as select '{batch}'::uuid as batch_id",
        "grant usage on schema intermediate to waybill_reader",
        "grant select on all tables in schema intermediate to waybill_reader",
    )
    yield batch
    for path in get_settings().state_folder.glob(f"alerts-{database}*"):
        path.unlink()


def succeed() -> StageResult:
    return StageResult(1, "")


@pytest.fixture
def sent(quiet: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A quiet warehouse, stages that do nothing, and the file into which alerts are sent."""
    path = tmp_path / "sent"
    script = f"import sys; open({str(path)!r}, 'a').write(sys.stdin.read() + '\\n')"
    monkeypatch.setenv("WAYBILL_ALERT_COMMAND", shlex.join([sys.executable, "-c", script]))
    monkeypatch.setattr("pipeline.runner.require_current", lambda: None)
    monkeypatch.setattr("pipeline.runner.print_books", lambda: None)
    for stage in read_stages():
        monkeypatch.setitem(WORK, stage.name, succeed)
    return path


def run(run_id: str, *, ago: str, outcome: str = "succeeded", detail: str | None = None) -> str:
    """Return the statement that records a whole run, which took a minute."""
    ended = "null" if outcome == "running" else f"now() - interval '{ago}' + interval '1 minute'"
    return RUN.format(run_id=run_id, ago=ago, ended=ended, outcome=outcome, detail=f"'{detail}'" if detail else "null")


def stage(name: str, *, ago: str, outcome: str = "succeeded", run_id: str | None = None) -> str:
    """Return the statement that records a stage."""
    return STAGE.format(run_id=f"'{run_id}'" if run_id else "null", stage=name, ago=ago, outcome=outcome)
