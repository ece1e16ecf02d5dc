"""The check of a model's training rows is stored with its time, and made again only if it no longer counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ml.checking import training_rows
from ml.checking.checks import Check, read_check, store_check
from ml.checking.staleness import check_staleness, compare_rows, recheck_outdated
from ml.checking.training_rows import hash_training_rows
from ml.predict import load_model
from ml.registry.listing.stored import read_stored
from ml.score import score
from ml.task import read_task
from ml.train import train
from pipeline.report.model import model_facts
from tests.support.databases import rows
from tests.support.landing import land
from tests.support.small.task import execute
from warehouse.connection import connect, current_warehouse
from warehouse.schema import ensure_raw_tables
from warehouse.status import print_status
from waybill.cli import shown_command
from waybill.identifiers import uuid7

BY_HAND = "by no batch: the table was rebuilt differently or edited by hand"
IS_STALE = "select distinct is_stale from predictions.small"
TRAIN = "train --task small"
MARK = "update predictions.model_checks set is_outdated = true"


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the tables whose rows are hashed."""
    found: list[str] = []
    read = training_rows._read_sums

    def counting(cursor: Any, task: Any, *given: Any) -> Any:
        found.append(task.table)
        return read(cursor, task, *given)

    monkeypatch.setattr(training_rows, "_read_sums", counting)
    return found


def stored(manifest: dict[str, Any]) -> Check:
    check = read_check("small", manifest["model_id"])
    assert check
    return check


def test_training_stores_a_fresh_check_of_the_new_model(task: Path) -> None:
    manifest = train("small").manifest
    check = stored(manifest)
    assert (check.is_stale, check.is_outdated, check.mart) == (False, False, "rows")
    assert check.training_digest == manifest["training_digest"]
    assert check.table_state and check.table_digest != check.training_digest
    assert read_check("small", str(uuid7())) is None


def test_a_run_with_nothing_new_compares_no_row(task: Path, passes: list[str]) -> None:
    manifest = train("small").manifest
    score("small")
    before = stored(manifest)
    passes.clear()
    assert train("small").summary.startswith("nothing new") and score("small").summary.startswith("nothing new")
    assert recheck_outdated() == ""
    assert passes == []
    assert stored(manifest) == before


def test_score_compares_rows_only_if_no_check_counts(task: Path, passes: list[str]) -> None:
    manifest = train("small").manifest
    score("small")
    for change in (
        "update marts.rows set delay = 99 where row_id = 'r119'",  # of the test set: the model stays fresh
        "delete from predictions.model_checks",
        MARK,
    ):
        before = stored(manifest).checked_at
        passes.clear()
        execute(change)
        score("small")
        assert passes == ["rows"]
        assert stored(manifest).checked_at > before and not stored(manifest).is_outdated


def test_a_stale_check_names_its_batches_and_when_it_was_made(task: Path) -> None:
    manifest = train("small").manifest
    execute("update marts.rows set is_late = not is_late where row_id = 'r7'")
    score("small")
    check = stored(manifest)
    assert check.is_stale
    assert check.verdict == (
        f"its training rows have changed since ({BY_HAND}): checked {check.checked_at:%Y-%m-%d %H:%M} UTC"
    )
    execute(MARK)
    assert stored(manifest).verdict.endswith("UTC, outdated now")


def test_outdated_checks_of_all_models_are_made_again(task: Path) -> None:
    first = train("small").manifest
    execute("update marts.rows set is_late = not is_late where row_id = 'r7'")
    second = train("small").manifest
    execute(MARK)
    assert recheck_outdated().startswith("; the model of small is STALE: its training rows have changed (by no batch")
    assert (stored(first).is_stale, stored(second).is_stale) == (True, False)
    assert not stored(first).is_outdated and not stored(second).is_outdated


def test_a_model_that_is_gone_keeps_its_outdated_check(task: Path) -> None:
    manifest = train("small").manifest
    for name in ("small", "gone"):
        store_check(Check(**{**vars(stored(manifest)), "task": name, "model_id": str(uuid7())}))
    execute(MARK)
    assert recheck_outdated() == ""
    assert rows("select count(*) from predictions.model_checks where is_outdated") == [(2,)]


def test_rows_changed_during_a_check_leave_it_outdated(task: Path) -> None:
    manifest = train("small").manifest
    check = compare_rows(read_task("small").task, manifest)
    execute("update marts.rows set delay = 99 where row_id = 'r119'")
    assert store_check(check).is_outdated and stored(manifest).is_outdated


@pytest.mark.parametrize("model", ["rows", "a_table_that_rows_are_built_from"])
def test_a_check_before_tables_follow_an_undo_is_outdated(task: Path, model: str) -> None:
    ensure_raw_tables(connect("owner"), ["orders"])
    batch = land("orders", {"id": 1})
    execute(f"insert into intermediate.processed_batches values ('{model}', '{batch}')")
    manifest = train("small").manifest
    undone = uuid7()
    execute(
        "insert into ledger.undone_batches (batch_id, undo_id, run_id, undone_by, documents, closed_rejects,"
        f" opened_rejects) values ('{batch}', '{undone}', '{batch}', 'a test', 1, 0, 0)",
        MARK,
    )
    score("small")
    assert stored(manifest).is_outdated
    execute(f"insert into intermediate.processed_batches values ('{model}', '{undone}')")
    score("small")
    assert not stored(manifest).is_outdated


def test_checking_a_loaded_model_stores_nothing(task: Path) -> None:
    train("small")
    before = rows("select * from predictions.model_checks")
    execute("update marts.rows set is_late = not is_late where row_id = 'r7'")
    assert check_staleness(load_model("small")).is_stale
    assert rows("select * from predictions.model_checks") == before


def test_rows_are_hashed_by_the_batch_of_their_document(task: Path) -> None:
    whole = hash_training_rows(read_task("small").task)
    assert whole.batch_digests == {"": {"rows": 441, "digest": whole.digest[:32]}}
    first, second = uuid7(), uuid7()
    execute(
        "alter table marts.rows add _batch_id uuid",
        f"update marts.rows set _batch_id = '{first}' where on_date < '2013-02-01'",
        f"update marts.rows set _batch_id = '{second}' where on_date >= '2013-04-01'",  # of the test set
    )
    by_batch = hash_training_rows(read_task("small").task)
    assert (by_batch.digest, by_batch.table_digest) == (whole.digest, whole.table_digest)
    assert {batch: found["rows"] for batch, found in by_batch.batch_digests.items()} == {str(first): 151, "": 290}


def test_the_manifest_has_no_row_but_digests_code_and_seeds(task: Path) -> None:
    manifest = train("small").manifest
    assert json.loads(json.dumps(manifest)) == manifest
    assert manifest["batch_digests"][""]["rows"] == manifest["rows"]["learnt_from"]
    assert manifest["seeds"]["task"] == 1
    assert len(manifest["code"]["digest"]) == 64 and "is_changed" in manifest["code"]
    assert "r119" not in json.dumps(manifest)


def test_every_place_says_the_stored_check_and_its_time(task: Path, capsys: pytest.CaptureFixture[str]) -> None:
    execute("grant select on marts.rows to waybill_reader")
    manifest = train("small").manifest
    score("small")

    def said() -> list[str]:
        print_status(current_warehouse())
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("model:")]
        return [line, model_facts("small", manifest).staleness, str(rows(IS_STALE))]

    at = f"checked {stored(manifest).checked_at:%Y-%m-%d %H:%M} UTC"
    assert said() == [
        f"model:    small: its training rows have not changed, {at}",
        f"Its training rows have not changed since: {at}.",
        "[(False,)]",
    ]
    execute("update marts.rows set delay = delay")  # as dbt does, killed before it marks the check
    assert said() == [
        f"model:    small: its training rows have not changed, {at}, outdated now: {shown_command('verify small')}",
        f"Its training rows have not changed since: {at}, outdated now.",
        "[(False,)]",
    ]
    assert list(read_stored("small").staleness.values()) == ["outdated"]
    execute("update predictions.model_checks set is_stale = true, is_outdated = true")
    assert said() == [
        f"model:    small: STALE, its training rows have changed, {at}, outdated now: {shown_command(TRAIN)}",
        f"Its training rows have changed since ({BY_HAND}): {at}, outdated now.",
        "[(True,)]",
    ]
