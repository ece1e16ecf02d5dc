"""A run in a warehouse of other sources than the declared tasks': stages without work say so and stop nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
import yaml

import ml.model_sources
import ml.task
from loader.errors import FileRefused
from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from ml.errors import ModelError
from pipeline.stages import WORK
from tests.support.declared.orders import declare_orders, order
from tests.support.landing import land
from tests.support.small.task import TASK, execute


@pytest.fixture
def raw_folder(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty raw folder beside an empty warehouse in which dbt has run."""
    declare_orders(tmp_path / "declared", monkeypatch)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "small.yml").write_text(yaml.safe_dump(TASK))
    monkeypatch.setattr(ml.task, "TASKS", tmp_path / "tasks")
    (tmp_path / "raw").mkdir()
    monkeypatch.setenv("WAYBILL_RAW", str(tmp_path / "raw"))
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    make_raw_tables()
    execute(
        "create table intermediate.processed_batches (model text, batch_id uuid)",
        "grant select on intermediate.processed_batches to waybill_reader",
    )
    return tmp_path / "raw"


def process(table: str, batch: UUID) -> None:
    execute(f"insert into intermediate.processed_batches values ('{table}', '{batch}')")


def test_a_load_without_files_stops_an_empty_warehouse_only(raw_folder: Path) -> None:
    with pytest.raises(FileRefused, match="no file for source"):
        WORK["load"]()
    land("orders", order())
    result = WORK["load"]()
    assert result.rows == 0
    assert result.summary == (
        f"no files of a source in {raw_folder}; all that landed was given to `waybill load` or a topic"
    )


def test_an_unmatched_file_is_named_and_stops_no_load(raw_folder: Path) -> None:
    (raw_folder / "other.txt").write_text('{"x": 1}')
    with pytest.raises(FileRefused, match=r"no file for source .*no pattern matches 1 file: other\.txt"):
        WORK["load"]()
    land("orders", order())
    assert WORK["load"]().summary.endswith("; no pattern matches 1 file: other.txt")
    with pytest.raises(FileRefused, match=r"no file for source orders .*no pattern matches 1 file: other\.txt"):
        load(Request(("orders",)))


def test_a_task_whose_table_was_never_loaded_is_idle(raw_folder: Path) -> None:
    execute("create table marts.rows (row_id text)", "grant select on marts.rows to waybill_reader")
    process("rows", uuid4())
    for stage in ("train", "score"):
        assert WORK[stage]().summary == "nothing to do: no document of rows was ever loaded"
    process("rows", land("orders", order()))
    for stage in ("train", "score"):
        with pytest.raises(ModelError):
            WORK[stage]()


def test_a_task_without_table_is_idle_until_its_source_is_loaded(
    raw_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {
        "marts/rows.sql": "select * from {{ ref('stg_orders') }}",
        "staging/orders/stg_orders.sql": "{{ cast_documents('orders') }}",
    }
    for name, content in models.items():
        (tmp_path / "models_of_dbt" / name).parent.mkdir(parents=True)
        (tmp_path / "models_of_dbt" / name).write_text(content)
    with pytest.raises(ModelError, match=r"there is no table marts\.rows, and dbt has no mart of this name"):
        WORK["train"]()
    monkeypatch.setattr(ml.model_sources, "MODELS", tmp_path / "models_of_dbt")
    for stage in ("train", "score"):
        assert WORK[stage]().summary == "nothing to do: no document of rows was ever loaded"
    land("orders", order())
    with pytest.raises(ModelError, match=r"there is no table marts\.rows: run `make dbt`"):
        WORK["train"]()
