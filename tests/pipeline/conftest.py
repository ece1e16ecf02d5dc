# waybill: sample
"""Folders and a warehouse for tests of the report page, with everything that the page can show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from ml.registry.artefact import save
from pipeline.consumption.energy import Energy
from pipeline.consumption.history import Work, record_use
from pipeline.consumption.meter import PartUse, Use
from pipeline.dbt.results import DbtBuild, DbtResult
from tests.support.small.warehouse import build_marts, build_outcomes, build_raw
from warehouse.connection import engine
from waybill.settings import get_settings

STAGES = [{"name": "load", "seconds": 4.26, "rows": 1234, "summary": "5 sources <b>", "outcome": "succeeded"}]
ENERGY = Energy(10.0, 1.0, "estimate", {"busy_watts": 3.5, "idle_watts": 0.74, "grid_grams_per_kwh": 473})
PARTS = [
    PartUse("commands", 5.0, 400_000_000, 300_000_000, 0, 0),
    PartUse("PostgreSQL", unseen="not measured: PGHOST names an external server"),
]
USE = Use(10.0, 5.0, 500_000_000, 400_000_000, None, 0, ENERGY, PARTS)
TEST_FIGURES = {"roc_auc": 0.7712, "pr_auc": 0.6, "brier": 0.15, "ece": 0.01, "precision": 0.7, "recall": 0.4}
MODEL = {
    "model_id": "m-1",
    "task": "flight_delays",
    "trained_at": "2013-01-02T06:00:00+00:00",
    "chosen": "hist_gradient_boosting",
    "split": {"test_from": "2013-11-01"},
    "rows": {"learnt_from": 53991},
    "metrics": {**TEST_FIGURES, "base_rate": 0.25},
    "candidates": {name: {"test": TEST_FIGURES} for name in ("dummy", "hist_gradient_boosting")},
    "curves": {
        "roc": [[0, 0], [0.2, 0.6], [1, 1]],
        "precision_recall": [[0, 1], [0.5, 0.7], [1, 0.25]],
        "calibration": [[0.1, 0.12, 900], [0.5, 0.48, 300], [0.9, 0.85, 50]],
    },
}
VALIDATION = {
    "success": False,
    "meta": {"run_id": {"run_time": "2013-01-02T06:00:00+00:00"}},
    "statistics": {"evaluated_expectations": 3, "successful_expectations": 1},
    "results": [
        {"success": True, "expectation_config": {"type": "expect_column_to_exist", "kwargs": {}}, "result": {}},
        {
            "success": False,
            "expectation_config": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "<code>"}},
            "result": {"unexpected_count": 7, "element_count": 229, "unexpected_percent": 3.06},
        },
        {
            "success": False,
            "expectation_config": {
                "type": "expect_table_row_count_to_be_between",
                "kwargs": {"min_value": 500},
                "description": "at least 500 rows",
                "severity": "warning",
            },
            "result": {"observed_value": 229},
        },
    ],
}


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    return tmp_path / "reports"


@pytest.fixture(scope="module")
def full_warehouse(module_database: str) -> Iterator[dict[str, UUID]]:
    """Fill a warehouse with everything that a page can show: rejects with markup, an uncastable document, drift, inferred rows."""
    batches = build_raw()
    build_outcomes()
    build_marts(batches)
    odd = '{"outcome": "uncastable", "reason": "/delays: <i>soon</i>"}'
    with engine("owner").begin() as connection:
        connection.execute(
            text("update raw.flights set document = document || cast(:odd as jsonb) where _position = 17"), {"odd": odd}
        )
        for position in (18, 20):
            connection.execute(
                text("update raw.flights set document = document || cast(:more as jsonb) where _position = :position"),
                {"position": position, "more": json.dumps({
                    "outcome": "superseded", "surviving_batch_id": str(batches["flights"]), "surviving_position": 19
                })},
            )  # fmt: skip
        connection.execute(text("update ledger.batches set read = read + 2, rejected = 2 where source = 'flights'"))
        connection.execute(
            text(
                "insert into ledger.rejects"
                " (batch_id, position, reason, detail, bytes, first_byte, length, fingerprint)"
                " values (:batch, 201, 'not_json', 'at <here>', :script, 0, 25, gen_random_uuid()),"
                " (:batch, 202, 'not_utf8', 'byte 3', :binary, 25, 9, gen_random_uuid())"
            ),
            {"batch": batches["flights"], "script": b"<script>alert(1)</script>", "binary": b"a\xff\n\x00b"},
        )
        connection.execute(
            text("insert into ledger.drift values (:batch, '/gate', 'string', 12)"), {"batch": batches["flights"]}
        )
    yield batches


def fill_reports(build: Path | None = None) -> None:
    """Write the results of other stages: dbt's results, a validation, a model, and the costs of six runs."""
    settings = get_settings()
    results = [
        DbtResult("not_null_dim_airlines_airline_id", "test", "dim_airlines", "pass", "", 0.12),
        DbtResult("assert_flights_balance", "test", "int_flights_deduplicated", "fail", "Got <1> result", 0.2),
        DbtResult("dim_airlines", "model", "", "success", "", 0.3),
    ]
    path = build or settings.state_folder / f"dbt_results-{settings.pgdatabase}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(DbtBuild("2013-01-02 06:00 UTC", results))))
    run = "raw_flights/raw/20130102T060000.000000Z/warehouse-raw_flights"
    page = settings.reports_folder / "data_docs/validations" / f"{run}.html"
    file = settings.reports_folder / "validation/results" / f"{run}.json"
    for folder in (page.parent, file.parent):
        folder.mkdir(parents=True, exist_ok=True)
    page.write_text("results")
    file.write_text(json.dumps(VALIDATION))
    save("flight_delays", None, MODEL)
    for minute in range(6):
        use = replace(USE, cpu_seconds=9.0 if minute == 5 else 5.0)
        record_use(Work("stage", "load", datetime(2013, 1, 1, 0, minute, tzinfo=UTC), 1234, "succeeded"), use)
