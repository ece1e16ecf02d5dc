"""A whole run in a warehouse of other sources than the sample's: stages without work say so and stop nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from loader.errors import FileRefused
from loader.landing.raw_tables import make_raw_tables
from ml.errors import ModelError
from pipeline.idle import work_unless_idle
from tests.support.landing import flight, land
from tests.support.small.task import execute


@pytest.fixture
def raw_folder(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty raw folder beside an empty warehouse in which dbt has run."""
    monkeypatch.setenv("WAYBILL_RAW", str(tmp_path))
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    make_raw_tables()
    execute(
        "create table intermediate.processed_batches (model text, batch_id uuid)",
        "grant select on intermediate.processed_batches to waybill_reader",
    )
    return tmp_path


def process(table: str, batch: UUID) -> None:
    execute(f"insert into intermediate.processed_batches values ('{table}', '{batch}')")


def test_a_load_without_files_stops_an_empty_warehouse_only(raw_folder: Path) -> None:
    with pytest.raises(FileRefused, match="no file for source"):
        work_unless_idle("load")
    land("flights", flight())
    result = work_unless_idle("load")
    assert result.rows == 0
    assert result.summary == (
        f"no files of a source in {raw_folder}; all that landed was given to `waybill load` or a topic"
    )


def test_a_task_whose_table_was_never_loaded_is_idle(raw_folder: Path) -> None:
    process("flight_features", uuid4())
    for stage in ("train", "score"):
        assert work_unless_idle(stage).summary == "nothing to do: no document of flight_features was ever loaded"
    process("flight_features", land("flights", flight()))
    for stage in ("train", "score"):
        with pytest.raises(ModelError):
            work_unless_idle(stage)
