# waybill: sample
from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from rich.console import Console
from sqlalchemy import text

from loader.declarations import source_names
from ml.registry.artefact import save
from pipeline.accounting import accounting, print_accounting
from pipeline.dbt import sources_files
from pipeline.dbt.sources_files import raw_table, read_content, source_file
from pipeline.report.checks import freshness
from pipeline.report.documents import SQL_OF
from pipeline.report.facts import gather_facts
from pipeline.report.page import main, write_report
from tests.pipeline.conftest import STAGES, fill_reports
from tests.support.landing import land
from tests.support.small.documents import airline, flight
from tests.support.small.warehouse import build_outcomes, build_raw
from warehouse.connection import engine
from waybill.settings import Settings, get_settings


@pytest.fixture
def lost_document(full_warehouse: dict[str, UUID]) -> Iterator[None]:
    """Delete the outcome of one landed document; undo it after the test."""
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
    assert flights.outcomes == {"current": 197, "duplicate": 0, "superseded": 2, "uncastable": 1, "filtered": 0}
    assert all(account.is_balanced and account.verdict == "balanced" for account in books.values())


def test_a_document_without_outcome_unbalances_the_books(lost_document: None) -> None:
    with engine("reader").connect() as connection:
        books = {account.source: account for account in accounting(connection)}
    assert not books["flights"].is_balanced
    assert books["flights"].verdict == "UNBALANCED: landed +1"
    assert books["weather"].is_balanced


def test_an_unknown_outcome_unbalances_the_books(full_warehouse: object) -> None:
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
        connection.execute(text("create table intermediate.run_batches (batch_id uuid, source text)"))
        connection.execute(text("insert into intermediate.run_batches select batch_id, source from ledger.batches"))
        connection.execute(text("delete from intermediate.run_batches where source = 'flights'"))
        connection.execute(text("grant select on intermediate.run_batches to waybill_reader"))
        connection.execute(text("create or replace view intermediate.document_outcomes as"
            " select 'flights' as source, _batch_id, _position, null as document_key, 'current' as outcome,"
            " null as reason, null::uuid as surviving_batch_id, null::bigint as surviving_position"
            " from raw.flights where false"))  # fmt: skip
        connection.execute(text("create view intermediate.int_flights_outcomes as select 1 as one where false"))
    with engine("reader").connect() as connection:
        flights = {account.source: account for account in accounting(connection)}["flights"]
    assert flights.verdict == "balanced, 5 waiting for dbt"


@pytest.mark.parametrize(
    ("has_model", "verdict"), [(False, "balanced, 5 not modelled"), (True, "UNBALANCED: landed +5")]
)
def test_documents_of_a_source_without_models_are_counted(
    database: str, reports: Path, has_model: bool, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.accounting.modelled_sources", lambda: ["weather", *["flights"] * has_model])
    build_raw(5)
    with engine("owner").begin() as connection:
        connection.execute(text("create view intermediate.document_outcomes as select 'weather' as source, _batch_id,"
            " _position, null as document_key, 'current' as outcome, null as reason, null::uuid as surviving_batch_id,"
            " null::bigint as surviving_position from raw.weather"))  # fmt: skip
        connection.execute(text("grant select on intermediate.document_outcomes to waybill_reader"))
        if has_model:
            connection.execute(text("create view intermediate.int_flights_outcomes as select 1 as one where false"))
    with engine("reader").connect() as connection:
        flights = {account.source: account for account in accounting(connection)}["flights"]
    assert (flights.verdict, flights.not_modelled) == (verdict, 0 if has_model else 5)
    if not has_model:
        report = write_report()
        page = report.path.read_text()
        assert "The books balance, but 10 documents are not modelled." in page
        assert "every document is accounted for" not in page
        assert "accounted for, 10 not modelled, in" in report.summary
        assert re.search(r"not modelled +1 +1 +3 +5 +0", print_books())


def test_books_fit_a_terminal_of_80_columns(full_warehouse: object) -> None:
    printed = print_books()
    assert max(map(len, printed.splitlines())) <= 80
    assert re.search(r"uncastable +0 +0 +0 +1 +0", printed)
    assert re.search(r"books( +balanced){5}", printed)


def test_an_empty_warehouse_says_what_to_run(database: str, reports: Path) -> None:
    assert "nothing has landed yet: run `make load`" in print_books()
    page = write_report().path.read_text()
    assert "Nothing has landed yet" in page
    assert "No model has been trained yet" in page
    assert page.count('<td class="whole">never</td>') == page.count("stale: nothing has landed")
    assert page.count('<td class="whole">never</td>') == len(source_names())


def test_the_page_escapes_markup_in_the_data(full_warehouse: object, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "at &lt;here&gt;" in page
    assert "/delays: &lt;i&gt;soon&lt;/i&gt;" in page
    assert "5 sources &lt;b&gt;" in page
    for markup in ("<script", "<here>", "<i>", "<b>"):
        assert markup not in page


def test_the_page_names_every_reject_and_uncastable_document(full_warehouse: object, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert "data/raw/flights.ndjson:201" in page
    assert "data/raw/flights.ndjson:202" in page
    assert r"a\xff\n\x00b" in page
    assert "data/raw/flights.ndjson:17" in page
    assert "1 not_json from flights, 1 not_utf8 from flights" in page
    assert "/gate" in page
    assert "dim_airports 1 of 11" in page


def test_the_page_fetches_nothing(full_warehouse: object, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert not re.search(r"https?://", page)
    assert "default-src 'none'" in page
    assert "src=" not in page


def test_the_page_says_that_the_books_do_not_balance(lost_document: None, reports: Path) -> None:
    page = write_report(STAGES).path.read_text()
    assert "The books do not balance" in page
    assert "UNBALANCED: landed +1" in page


def test_the_page_links_what_exists_and_names_what_is_missing(
    full_warehouse: object, reports: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "lineage: not written yet" in write_report(STAGES).path.read_text()
    (reports / "dbt_docs.html").write_text("docs")
    (reports / "data_docs").mkdir()
    (reports / "data_docs" / "index.html").write_text("results")
    page = write_report(STAGES).path.read_text()
    assert 'href="dbt_docs.html"' in page
    assert 'href="data_docs/index.html"' in page


def test_the_page_shows_the_current_model(full_warehouse: object, reports: Path) -> None:
    save("flight_delays", None, {"model_id": "m-1", "metrics": {"roc_auc": 0.7712, "rows": 53991}})
    page = write_report(STAGES).path.read_text()
    assert "m-1" in page
    assert "roc_auc" in page and "0.7712" in page and "53,991" in page


def test_the_page_shows_tests_validations_curves_and_costs(
    full_warehouse: object, reports: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:  # the same warehouse as before
        patch.setattr("pipeline.dbt.results.results_path", lambda settings: tmp_path / "dbt.json")
        fill_reports(tmp_path / "dbt.json")
        page = write_report(STAGES).path.read_text()
    assert "1 of 2 passed in the build of 2013-01-02 06:00 UTC" in page
    assert "Got &lt;1&gt; result" in page
    assert 'href="data_docs/validations/raw_flights/raw/20130102T060000.000000Z/warehouse-raw_flights.html"' in page
    assert "raw_flights: &lt;code&gt;: column values to not be null: 7 of 229 rows fail (3.06 %)" in page
    assert '<span class="warn">warning</span> raw_flights: at least 500 rows: 229 observed' in page
    assert "ROC. false positives → true positives: 0.00 → 0.00, 0.20 → 0.60, 1.00 → 1.00" in page
    assert "more than usual: load used 9.0 s of CPU, 80 % more than 5.0, the median of the last 5 similar runs" in page
    assert "PostgreSQL: not measured: PGHOST names an external server" in page
    assert re.search(r"<span>CPU by part: [^<]*commands 5\.0 s", page)
    assert "estimate: CPU seconds × 2.76 W" in page
    [row] = re.findall(r'<tr><th scope="rowgroup" rowspan="2">load</th>(.*?)</tr>', page, re.S)
    assert re.findall(r"<td>([^<]*)</td>", row) == [
        "10.0", "9.0", "90 %", "500", "400", "–", "0.0", "1,234", "137", "10.0", "1000.0"
    ]  # fmt: skip
    assert 'aria-label="6 runs, 5.0 to 9.0 s of CPU, last 9.0"' in row
    assert re.search(r'<polyline class="curve" points="4\.0,14\.6 (\S+ ){4}136\.0,3\.0"', row)


def test_beyond_the_limit_the_page_shows_a_query_instead(
    full_warehouse: object, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.report.documents.MAX_DESCRIBED", 1)
    page = write_report(STAGES).path.read_text()
    assert "1 of 2 are shown. SQL for all of them: <code>select * from intermediate.document_outcomes" in page


def test_a_replaced_document_names_its_replacement(full_warehouse: object, reports: Path) -> None:
    write_report(STAGES)
    documents = (reports / "documents.html").read_text()
    assert "replaced by data/raw/flights.ndjson:19" in documents
    assert "waybill why data/raw/flights.ndjson:18" in documents


@pytest.mark.parametrize(("length", "end"), [(2000, ""), (2001, " …")])
def test_a_long_document_is_shortened_with_a_mark(database: str, reports: Path, length: int, end: str) -> None:
    document = {"text": "", "outcome": "uncastable"}
    spelled = json.dumps({**document, "text": "x" * (length - len(json.dumps(document)))})
    build_raw(5)
    build_outcomes()
    with engine("owner").begin() as connection:
        update = "update raw.flights set document = cast(:document as jsonb) where _position = 3"
        connection.execute(text(update), {"document": spelled})
    write_report()
    [shown] = re.findall(r"<pre>(.*)</pre>", (reports / "documents.html").read_text())
    assert unescape(shown) == spelled[:2000] + end


def test_a_source_is_stale_at_the_age_at_which_dbt_warns(full_warehouse: object) -> None:
    with engine("reader").connect() as connection:
        books = accounting(connection)
    at = books[0].last_landed_at
    assert at
    landed = {one.source for one in books}
    for days, is_stale in ((29, False), (31, True)):
        found = freshness(books, at + timedelta(days=days))
        assert {one.is_stale for one in found if one.source in landed} == {is_stale}
    assert freshness(books, at + timedelta(hours=3))[0].shown_age == "3 hours"


def test_a_batch_of_rejects_does_not_make_a_source_fresh(
    database: str, reports: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tables = {name: raw_table(read_content(source_file(name)), name) for name in source_names()}
    for table in tables.values():
        table["config"].pop("freshness")
    tables["weather"]["config"]["freshness"] = None
    limit = {"freshness": {"warn_after": {"count": 6, "period": "hour"}}}
    declared = {"sources": [{"name": "raw", "config": limit, "tables": [*tables.values()]}]}
    monkeypatch.setattr(sources_files, "DBT_PROJECT", tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "_raw_all.yml").write_text(json.dumps(declared))
    build_raw(5)
    with engine("owner").begin() as connection:
        connection.execute(text("update ledger.batches set committed_at = committed_at - interval '7 hours'"))
    land("airlines", airline())
    batch = land("flights", flight(6))
    with engine("owner").begin() as connection:
        rejected = "update ledger.batches set landed = 0, rejected = 1 where batch_id = :batch"
        connection.execute(text(rejected), {"batch": batch})
    with engine("reader").connect() as connection:
        books = {account.source: account.last_landed_at for account in accounting(connection)}
        for source, table in tables.items():
            assert books[source] == connection.scalar(text(table["config"]["loaded_at_query"]))
    page = write_report().path.read_text()
    output = dict(re.findall(r'<th scope="row">(\w+)</th>.*\n<td class="(?:warn|good)">(.*)</td></tr>', page))
    over = dict.fromkeys(("flights", "airports", "aircraft"), "stale: over 6 hours")
    assert output == {**over, "airlines": "fresh", "weather": "no limit is declared"}


def test_the_sql_that_the_page_shows_runs_as_the_reader(full_warehouse: object) -> None:
    with engine("reader").connect() as connection:
        counts = {name: len(connection.execute(text(statement)).all()) for name, statement in SQL_OF.items()}
    assert counts == {
        "skipped": 0, "rejected": 2, "current": 203, "duplicate": 0, "superseded": 2, "uncastable": 1, "filtered": 0
    }  # fmt: skip


def test_without_stages_the_page_shows_the_last_run(full_warehouse: object, tmp_path: Path) -> None:
    settings = Settings(**{**get_settings().model_dump(), "waybill_state": tmp_path})
    (tmp_path / f"last_run-{settings.pgdatabase}.json").write_text(json.dumps(STAGES))
    with engine("reader").connect() as connection:
        assert [stage.record for stage in gather_facts(connection, settings, None).costs.stages] == STAGES


def test_the_command_prints_the_path_of_the_page(
    full_warehouse: object, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(get_settings().state_folder))
    monkeypatch.setattr("waybill.settings.PROJECT", reports.parent)
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 0
    assert result.output == "report: 208 documents accounted for in reports/index.html\n"
