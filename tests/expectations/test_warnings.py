# waybill: sample
"""Expectations with the severity warning: a run continues, and everything that it shows names them."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from expectations import assets
from expectations.checkpoints import run_checkpoint
from expectations.errors import BrokenAsset, GateFailed
from pipeline.report.checks import read_validations
from tests.support.small.warehouse import build_marts, build_raw
from warehouse.connection import engine
from waybill.settings import get_settings

pytestmark = [pytest.mark.creator]  # also on an external server: see `make test-server`

ASSET = (
    "edge: raw\nsource: airlines\nquery: |-\n  select document ->> 'carrier' as row_key, document from raw.airlines\n"
)


@pytest.fixture(scope="module", autouse=True)
def small_warehouse(module_database: str) -> Iterator[None]:
    build_marts(build_raw())
    yield


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path / "reports"))
    return tmp_path / "reports"


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the committed project that a test can change."""
    shutil.copytree(assets.CONTEXT, tmp_path / "context")
    monkeypatch.setattr(assets, "CONTEXT", tmp_path / "context")
    return tmp_path / "context"


def add_expectation(context: Path, suite: str, kind: str, **more: Any) -> None:
    file = context / "suites" / f"{suite}.json"
    content = json.loads(file.read_text())
    content["expectations"].append({
        "id": "0e2a3b0c-5f0e-5b0e-8f0e-000000000001", "type": kind, "severity": "warning", "meta": {}, **more
    })  # fmt: skip
    file.write_text(json.dumps(content))


def listed(reports: Path, kind: str) -> list[dict[str, str]]:
    with (reports / "validation" / f"{kind}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_warning_stops_nothing_and_lists_its_rows(context: Path, reports: Path) -> None:
    range_of = {"column": "distance_miles", "min_value": 2000}
    add_expectation(
        context, "fct_flights", "expect_column_values_to_be_between", kwargs=range_of, description="long <b>flights</b>"
    )
    outcome = run_checkpoint("marts")
    assert outcome.success
    assert (
        "; warning: 1 expectation did not hold, the first fct_flights: long <b>flights</b>: 200 of 200 rows fail"
        in outcome.summary
    )
    assert str(reports / "validation" / "marts_warnings.csv") in outcome.summary
    assert len({row["row_key"] for row in listed(reports, "marts_warnings")}) == 200
    assert not (reports / "validation" / "marts_failures.csv").exists()
    [found] = [one for one in read_validations(get_settings()) if one.warnings]
    assert (found.asset, found.failures, found.expectations - found.met) == ("fct_flights", [], 1)
    [page] = (reports / "data_docs" / "validations" / "fct_flights").rglob("*.html")
    assert "<td>warning</td><td>long &lt;b&gt;flights&lt;/b&gt;</td>" in page.read_text()
    assert "Failed" not in (reports / "data_docs" / "index.html").read_text()
    assert run_checkpoint("marts", only_if_changed=True).summary == f"nothing new since it succeeded: {outcome.summary}"


def test_a_warning_that_holds_again_leaves_no_list(context: Path, reports: Path) -> None:
    (reports / "validation").mkdir(parents=True)
    (reports / "validation" / "marts_warnings.csv").write_text("old")
    assert "warning" not in run_checkpoint("marts").summary
    assert not (reports / "validation" / "marts_warnings.csv").exists()


def test_warnings_are_named_when_a_critical_one_stops(context: Path, reports: Path) -> None:
    few = {"min_value": 1000}
    add_expectation(context, "raw_flights", "expect_table_row_count_to_be_between", kwargs=few, description="many")
    add_expectation(
        context,
        "raw_airlines",
        "expect_table_row_count_to_be_between",
        kwargs=few,
        description="more",
        severity="critical",
    )
    with pytest.raises(GateFailed) as caught:
        run_checkpoint("raw")
    message = str(caught.value)
    assert message.startswith("checkpoint raw: 1 of 41 expectations failed: raw_airlines: more: 1 observed")
    assert "; warning: 1 expectation did not hold, the first raw_flights: many: 200 observed" in message
    assert [(row["suite"], row["row"]) for row in listed(reports, "raw_warnings")] == [("raw_flights", "200 observed")]
    assert [row["suite"] for row in listed(reports, "raw_failures")] == ["raw_airlines"]


def test_two_new_files_are_a_new_asset(context: Path, reports: Path) -> None:
    (context / "assets" / "raw_added.yml").write_text(ASSET)
    suite = json.loads((context / "suites" / "raw_airlines.json").read_text())
    rows = [one for one in suite["expectations"] if one["type"].startswith("expect_table_row_count")]
    added = {**suite, "name": "raw_added", "id": "0e2a3b0c-5f0e-5b0e-8f0e-000000000002", "expectations": rows}
    (context / "suites" / "raw_added.json").write_text(json.dumps(added))
    assert run_checkpoint("raw").expectations == 40
    assert list((reports / "data_docs" / "validations" / "raw_added").rglob("*.html"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (ASSET.replace("edge: raw", "edge: row"), "edge is row; write one of marts, raw"),
        (ASSET.replace("row_key", "key"), "query must be SQL that begins with select and has a column row_key"),
        (ASSET.replace("select", "with one as (select 1) select"), "query must be SQL that begins with select"),
        (ASSET + "colour: red\n", "colour is unknown; remove it"),
        (ASSET, "suites/raw_added.json is missing; add it"),
        ("", "edge is None; write one of marts, raw"),
    ],
)
def test_a_broken_asset_is_named(context: Path, content: str, problem: str) -> None:
    (context / "assets" / "raw_added.yml").write_text(content)
    with pytest.raises(BrokenAsset, match=problem) as caught:
        run_checkpoint("raw")
    assert "assets/raw_added.yml: " in str(caught.value)


def test_a_source_that_was_never_loaded_is_not_checked(context: Path, reports: Path) -> None:
    for name in ("raw_flights", "fct_flights", "flight_features"):
        file = context / "assets" / f"{name}.yml"
        file.write_text(
            file.read_text().replace("source: flights", "source: films").replace("raw.flights", "raw.films")
        )
    outcome = run_checkpoint("raw")
    assert outcome.summary.endswith(" rows; nothing of films was ever loaded")
    with engine("owner").begin() as connection:
        connection.execute(text("delete from raw.airlines"))
    with pytest.raises(GateFailed, match="raw_airlines: table row count"):
        run_checkpoint("raw")
