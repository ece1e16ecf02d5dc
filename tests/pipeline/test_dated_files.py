"""The stage load takes a range of dates; a scheduler asks for every period, also for one without files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loader.declarations
from loader.errors import RangeRefused
from loader.file_dates import asked_days
from pipeline.stages import load_files
from tests.support.databases import rows
from tests.support.declared.orders import declare_orders, order, write_declaration


@pytest.fixture
def months(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three months of orders, in folders that hold the date."""
    declare_orders(tmp_path / "declared", monkeypatch, files=[{"pattern": "{date:%Y/%m}/*.ndjson", "layout": "ndjson"}])
    for month in (1, 2, 3):
        folder = tmp_path / "raw" / "2026" / f"{month:02}"
        folder.mkdir(parents=True)
        (folder / "orders.ndjson").write_text(json.dumps(order(month)))
    monkeypatch.setenv("WAYBILL_RAW", str(tmp_path / "raw"))
    return tmp_path / "raw"


def test_only_files_in_the_range_are_landed(months: Path) -> None:
    found = load_files(asked_days("2026-02", "2026-02"))
    assert found.rows == 1
    assert found.summary.endswith("2 files not in range: 2026/01/orders.ndjson, 2026/03/orders.ndjson")
    assert rows("select command from ledger.runs") == [("load --from 2026-02-01 --to 2026-02-28",)]
    assert load_files().rows == 2


def test_a_period_without_files_is_nothing_to_load(months: Path) -> None:
    found = load_files(asked_days("2027-01", "2027-01"))
    assert found.rows == 0
    assert found.summary.startswith(
        "nothing to load: no file of orders is in the range from 2027-01-01 to 2027-01-31; "
    )


def test_sources_without_dates_are_no_period(months: Path) -> None:
    write_declaration(loader.declarations.SOURCES, files=[{"pattern": "*/*/*.ndjson", "layout": "ndjson"}])
    with pytest.raises(RangeRefused, match="no pattern of orders captures one: write"):
        load_files(asked_days("2026-02", None))
