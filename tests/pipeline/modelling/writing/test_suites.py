"""The written suites: what is critical, bounds with slack, and files that never depend on order."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from expectations import assets
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Column
from pipeline.modelling.flags import Flags
from pipeline.modelling.writing.expecting import bounds
from pipeline.modelling.writing.expecting.queries import literal
from pipeline.modelling.writing.suites import files
from tests.pipeline.modelling.deciding.plain_profiles import profiled
from tests.pipeline.modelling.mutated import Document, visits


def written(documents: list[Document]) -> dict[str, str]:
    return files(design(profiled(documents), "visits", Flags()))


def suite(name: str, documents: list[Document]) -> list[dict[str, Any]]:
    content = json.loads(written(documents)[f"expectations/context/suites/{name}.json"])
    found: list[dict[str, Any]] = content["expectations"]
    return found


def number(name: str = "weight", **observed: Any) -> Column:
    standard = {"type": "numeric", "rows": 1000, "lowest": "10", "highest": "30", "mean": 20.0, "deviation": 4.0}
    return Column(name=name, pointer=f"/{name}", path=f"/{name}", **{**standard, **observed})


def test_only_rows_and_keys_are_critical() -> None:
    critical = {
        name: [one["description"] for one in suite(name, visits(200)) if one["severity"] == "critical"]
        for name in ("raw_visits", "fct_visits", "fct_visits_counts")
    }
    assert critical == {
        "raw_visits": ["at least one row", "visit_id is never null"],
        "fct_visits": ["at least one row"],
        "fct_visits_counts": [],
    }


def test_files_are_the_same_for_shuffled_documents() -> None:
    documents = visits(300)
    shuffled = [dict(reversed(document.items())) for document in reversed(documents)]
    assert written(documents) == written(shuffled)


def test_every_expectation_has_its_own_id_and_description() -> None:
    found = [one for name in ("raw_visits", "fct_visits", "fct_visits_counts") for one in suite(name, visits(300))]
    assert len({one["id"] for one in found}) == len(found)
    for one in found:
        assert one["description"], one


def test_written_assets_are_read_as_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "expectations/context/checkpoints").mkdir(parents=True)
    for gate in ("raw", "marts"):
        (tmp_path / f"expectations/context/checkpoints/{gate}.json").write_text("{}")
    for name, text in written(visits(100)).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(assets, "CONTEXT", tmp_path / "expectations/context")
    found = assets.read_assets()
    assert {name: (asset.edge, asset.source) for name, asset in found.items()} == {
        "fct_visits": ("marts", "visits"),
        "fct_visits_counts": ("marts", "visits"),
        "raw_visits": ("raw", "visits"),
    }
    assert found["raw_visits"].tables == {"raw.visits", "ledger.batches", "ledger.inputs", "ledger.undone_batches"}


def test_a_few_documents_say_little() -> None:
    kinds = {one["type"] for one in suite("fct_visits", visits(10))}
    assert kinds == {"expect_table_row_count_to_be_between", "expect_column_values_to_not_be_null"}


def test_numbers_have_bounds_with_slack() -> None:
    assert bounds.number_range(number()) == (8, 32)
    assert bounds.number_range(number(lowest="0", highest="50")) == (0, 55)
    assert bounds.number_range(number(lowest="-5", highest="5", type="integer")) == (-6, 6)
    assert bounds.number_range(number(lowest="7", highest="7")) == (6, 8)
    assert bounds.mean_range(number()) == (19, 21)
    assert bounds.least_deviation(number()) == 2
    assert bounds.mean_range(number(missing=990)) is None


@pytest.mark.parametrize(
    "column",
    [
        number("invoice_number"),
        number("year"),
        number("counted", type="integer", lowest="1", highest="1000"),
        number("at_milliseconds", type="bigint", lowest="1700000000000", highest="1800000000000"),
        number("text", type="text"),
    ],
    ids=lambda column: column.name,
)
def test_numbers_that_identify_or_grow_have_none(column: Column) -> None:
    assert bounds.number_range(column) is None


def test_null_rates_have_slack_for_few_rows() -> None:
    assert bounds.least_present(number(rows=2000)) == 0.947
    assert bounds.least_present(number(rows=2000, missing=1000)) == 0.38
    assert bounds.least_present(number(rows=5)) is None


def test_times_may_grow_with_every_delivery() -> None:
    day = replace(number("day"), type="date", lowest="2024-01-01", highest="2024-04-10")
    assert bounds.time_range(day) == ("2023-12-22", "2024-04-20", "2024-01-11", "2024-03-31")
    instant = replace(day, type="timestamptz", lowest="2024-01-01T10:00:00Z", highest="2024-01-02t00:00:00.1234567z")
    assert bounds.time_range(instant) == (
        "2023-12-25T00:00:00Z",
        "2024-01-09T00:00:00Z",
        "2024-01-08T00:00:00Z",
        "2023-12-26T00:00:00Z",
    )
    assert bounds.time_range(replace(day, lowest="0002-01-01", highest="9998-12-31")) is not None
    assert bounds.time_range(replace(day, lowest=None)) is None


def test_odd_texts_are_literals_without_parameters() -> None:
    assert literal("it's") == "'it''s'"
    assert literal("a:b {c} 50%\\\n😀'") == r"U&'a\003Ab \007Bc\007D 50\0025\005C\000A\+01F600\0027'"


def test_texts_of_one_format_have_it_as_a_warning() -> None:
    documents: list[Document] = [
        {"id": number, "zip": f"0{number:04}", "token": str(UUID(int=number)), "name": f"n{number}"}
        for number in range(40)
    ]
    found = {
        check["kwargs"]["column"]: check
        for check in suite("fct_visits", documents)
        if check["type"] == "expect_column_values_to_match_regex"
    }
    assert {name: check["severity"] for name, check in found.items()} == {"zip": "warning", "token": "warning"}
    for name, check in found.items():
        assert all(re.search(check["kwargs"]["regex"], document[name]) for document in documents)
        assert not re.search(check["kwargs"]["regex"], "n/a")
