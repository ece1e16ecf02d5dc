from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from rich.console import Console
from sqlalchemy import text

from ml.artefact import save
from pipeline.accounting import accounting, print_accounting
from pipeline.report import main, write_report
from pipeline.report_facts import gather_facts
from tests.small_warehouse import build_marts, build_outcomes, build_raw
from warehouse.connection import engine
from warehouse.settings import Settings, get_settings

STAGES = [{"name": "load", "seconds": 4.26, "rows": 1234, "summary": "5 sources <b>", "outcome": "succeeded"}]


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    return tmp_path / "reports"


@pytest.fixture(scope="module")
def full_warehouse(module_database: str) -> Iterator[dict[str, UUID]]:
    """All that a page can show: rejects with markup in them, an uncastable document, drift, inferred members."""
    batches = build_raw()
    build_outcomes()
    build_marts(batches)
    odd = '{"outcome": "uncastable", "reason": "/delays: <i>soon</i>"}'
    with engine("owner").begin() as connection:
        connection.execute(
            text("update raw.flights set document = document || cast(:odd as jsonb) where _position = 17"), {"odd": odd}
        )
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


@pytest.fixture
def lost_document(full_warehouse: dict[str, UUID]) -> Iterator[None]:
    """A landed document that no outcome knows."""
    with engine("owner").begin() as connection:
        row = connection.execute(text("delete from raw.flights where _position = 1 returning *")).mappings().one()
    yield
    with engine("owner").begin() as connection:
        connection.execute(
            text("insert into raw.flights values (:_batch_id, :_position, :_fingerprint, cast(:document as jsonb))"),
            {**row, "document": json.dumps(row["document"])},
        )


def print_books() -> str:
    output = io.StringIO()
    with engine("reader").connect() as connection:
        print_accounting(accounting(connection), Console(file=output, width=80))
    return output.getvalue()


def test_books_balance(full_warehouse: object) -> None:
    with engine("reader").connect() as connection:
        books = {account.source: account for account in accounting(connection)}
    flights = books["flights"]
    assert (flights.read, flights.landed, flights.rejected, flights.skipped) == (202, 200, 2, 0)
    assert flights.outcomes == {"current": 199, "duplicate": 0, "superseded": 0, "uncastable": 1, "filtered": 0}
    assert all(account.is_balanced and account.verdict == "balanced" for account in books.values())


def test_a_document_without_outcome_unbalances_the_books(lost_document: None) -> None:
    with engine("reader").connect() as connection:
        books = {account.source: account for account in accounting(connection)}
    assert not books["flights"].is_balanced
    assert books["flights"].verdict == "UNBALANCED: landed +1"
    assert books["weather"].is_balanced


def test_an_outcome_that_nobody_knows_unbalances_the_books(full_warehouse: object) -> None:
    with engine("owner").begin() as connection:
        connection.execute(
            text('update raw.flights set document = document || \'{"outcome": "lost"}\' where _position = 3')
        )
    try:
        with engine("reader").connect() as connection:
            books = {account.source: account for account in accounting(connection)}
        assert books["flights"].verdict == "UNBALANCED: unknown outcome lost"
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text("update raw.flights set document = document - 'outcome' where _position = 3"))


def test_books_after_a_load_alone_have_no_outcomes_yet(database: str) -> None:
    build_raw(5)
    with engine("reader").connect() as connection:
        books = accounting(connection)
    assert all(account.outcomes is None and account.is_balanced for account in books)
    assert {account.verdict for account in books} == {"landed, no marts yet"}
    assert "–" in print_books()


def test_documents_that_landed_since_dbt_ran_are_waiting(database: str) -> None:
    build_raw(5)
    build_outcomes()
    with engine("owner").begin() as connection:
        connection.execute(text("create table intermediate.frozen_batches (batch_id uuid, source text)"))
        connection.execute(text("insert into intermediate.frozen_batches select batch_id, source from ledger.batches"))
        connection.execute(text("delete from intermediate.frozen_batches where source = 'flights'"))
        connection.execute(text("grant select on intermediate.frozen_batches to waybill_reader"))
        connection.execute(text("create or replace view intermediate.document_outcomes as"
            " select 'flights' as source, _batch_id, _position, null as document_key, 'current' as outcome,"
            " null as reason from raw.flights where false"))  # fmt: skip
    with engine("reader").connect() as connection:
        flights = {account.source: account for account in accounting(connection)}["flights"]
    assert flights.verdict == "balanced, 5 wait for dbt"


def test_books_fit_a_terminal_of_80_columns(full_warehouse: object) -> None:
    printed = print_books()
    assert max(map(len, printed.splitlines())) <= 80
    assert re.search(r"uncastable +0 +0 +0 +1 +0", printed)
    assert re.search(r"books( +balanced){5}", printed)


def test_empty_warehouse_says_what_to_do(database: str, reports: Path) -> None:
    assert "nothing has been landed yet: run `make load`" in print_books()
    page = write_report().path.read_text()
    assert "Nothing has been landed yet" in page
    assert "None has been trained yet" in page


def test_page_escapes_what_comes_from_the_data(full_warehouse: object, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "at &lt;here&gt;" in page
    assert "/delays: &lt;i&gt;soon&lt;/i&gt;" in page
    assert "5 sources &lt;b&gt;" in page
    for markup in ("<script", "<here>", "<i>", "<b>"):
        assert markup not in page


def test_page_names_every_reject_and_uncastable_document(full_warehouse: object, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert "data/raw/flights.ndjson:201" in page
    assert "data/raw/flights.ndjson:202" in page
    assert r"a\xff\n\x00b" in page
    assert "data/raw/flights.ndjson:17" in page
    assert "flights not_json 1, flights not_utf8 1" in page
    assert "/gate" in page
    assert "dim_airports 1 of 11" in page


def test_page_fetches_nothing(full_warehouse: object, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert not re.search(r"https?://", page)
    assert "default-src 'none'" in page
    assert "src=" not in page


def test_page_says_that_the_books_do_not_balance(lost_document: None, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert "The books do not balance" in page
    assert "UNBALANCED: landed +1" in page


def test_page_links_what_is_there_and_says_what_is_not(
    full_warehouse: object, reports: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "lineage: not written yet" in write_report(STAGES).path.read_text()
    (reports / "dbt_docs.html").write_text("docs")
    (reports / "data_docs").mkdir()
    (reports / "data_docs" / "index.html").write_text("results")
    page = write_report(STAGES).path.read_text()
    assert 'href="dbt_docs.html"' in page
    assert 'href="data_docs/index.html"' in page


def test_page_shows_the_current_model(full_warehouse: object, reports: Path) -> None:
    save("flight_delays", None, {"model_id": "m-1", "metrics": {"roc_auc": 0.7712, "rows": 53991}})
    page = write_report(STAGES).path.read_text()
    assert "m-1" in page
    assert "roc_auc" in page and "0.7712" in page and "53,991" in page


def test_stages_are_those_of_the_last_run_when_none_are_given(full_warehouse: object, tmp_path: Path) -> None:
    settings = Settings(**{**get_settings().model_dump(), "waybill_state": tmp_path})
    (tmp_path / f"last_run-{settings.pgdatabase}.json").write_text(json.dumps(STAGES))
    with engine("reader").connect() as connection:
        assert gather_facts(connection, settings, None).stages == STAGES


def test_command_says_where_the_page_is(full_warehouse: object, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(get_settings().state_folder))
    monkeypatch.setattr("warehouse.settings.PROJECT", reports.parent)
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 0
    assert result.output == "report: 208 documents accounted for in reports/index.html\n"
