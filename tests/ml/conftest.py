"""A small task on a table of 600 rows, for all tests of models."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import ml.task
from tests.support.small.task import TASK, execute


@pytest.fixture
def task(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 600 rows whose label depends on a number, and a task on it; return the folder of its models."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "small.yml").write_text(yaml.safe_dump(TASK))
    monkeypatch.setattr(ml.task, "TASKS", folder)
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    execute(
        "create table marts.rows as select 'r' || n as row_id, date '2013-01-01' + n % 120 as on_date,"
        " case when n % 50 <> 0 then (n * 7) % 20 > 10 end as is_late, case n % 2 when 0 then 'UA' else 'AA' end as airline,"
        " nullif((n * 7) % 20 + n % 3, 0) as delay from generate_series(1, 600) as n",
        "grant select on marts.rows to waybill_trainer",
        "create table intermediate.processed_batches (model text, batch_id uuid)",
        "grant select on intermediate.processed_batches to waybill_trainer",
        "create table intermediate.document_outcomes (_batch_id uuid, outcome text)",
        "grant select on intermediate.document_outcomes to waybill_trainer",
    )
    return tmp_path / "models" / "small"
