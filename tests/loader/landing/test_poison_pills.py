"""A document that no library can handle is one reject in every feed: files, replays, and a dry run that foresees it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import loader.dry_run
from loader.__main__ import loader as command
from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from tests.loader.conftest import CONTRACT
from tests.support.databases import rows
from tests.support.documents import document, landed_ids

DEEP = b"[" * 300 + b"]" * 300
POISON = [
    b'{"id": %s, "updated_at": ""}' % DEEP,
    rb'{"id": "x", "updated_at": "", "a": ["\u0000", %s]}' % DEEP,
    rb'{"id": "x", "updated_at": "", "a": ["\ud800", %s]}' % DEEP,
    b'{"id": "x", "updated_at": "", "a": %s}' % (b"[" * 5_000 + b"]" * 5_000),
    b'{"id": 1e400, "updated_at": ""}',
]
REASONS = ["breaks_contract", "not_storable", "not_storable", "not_storable", "breaks_contract"]
REFUSED = [
    b'{"id": "x", "updated_at": "", "n": 1e-20000}',
    b'{"id": "x", "updated_at": "", "\\u0000": 1, "\\u0000": 2}',
]
UP_TO = "nothing written: up to 2 documents of 1 file would be landed, 1 would be rejected; PostgreSQL does not answer"


def reasons() -> list[str]:
    return [reason for (reason,) in rows("select reason from ledger.open_rejects order by input_name, position")]


def test_poison_in_every_layout_stops_no_other_document(database: str, source: Path) -> None:
    mixed = [document(1), *POISON, document(2)]
    (source / "a.ndjson").write_bytes(b"\n".join(mixed))
    (source / "b.json").write_bytes(b"[" + b",".join(mixed) + b"]")
    (source / "c.rec").write_bytes(b'{"data": {"things": [' + b",".join(mixed) + b"]}}")
    for number, raw in enumerate(POISON):
        (source / f"d{number}.doc").write_bytes(raw)
    result = load(Request(("things",)))
    assert landed_ids() == Counter({"t1": 3, "t2": 3})
    assert reasons() == REASONS * 4
    assert result.tallies["things"].rejected == 4 * len(POISON)
    assert load(Request(("things",))).rows == 0


def test_a_replay_passes_by_what_is_still_poison(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(
        b"\n".join([b'{"id": 1, "updated_at": ""}', *POISON, b'{"id": 2, "updated_at": ""}'])
    )
    load(Request(("things",)))
    assert landed_ids() == Counter()
    corrected = {
        **CONTRACT,
        "properties": {**CONTRACT["properties"], "id": {"type": ["string", "integer"], "maximum": 9}},
    }
    (source.parent / "declared" / "things.schema.json").write_text(json.dumps(corrected))
    still: list[str] = []
    assert replay("things", None, lambda reject, reason: still.append(reason.code)) == {"things": 2}
    assert still == REASONS
    assert landed_ids() == Counter(["1", "2"])


def test_a_dry_run_foresees_what_only_postgresql_refuses(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), *POISON, *REFUSED, document(2)]))
    seen: list[int] = []
    foreseen = load(Request(("things",), dry_run=True), on_reject=lambda name, reject: seen.append(reject.position))
    assert not foreseen.is_upper_bound
    assert sorted(seen) == list(range(2, 2 + len(POISON) + len(REFUSED)))
    assert rows("select count(*) from ledger.inputs") == [(0,)]
    assert foreseen.tallies["things"] == load(Request(("things",))).tallies["things"]


def test_a_dry_run_without_a_server_says_up_to(database: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), b"broken", REFUSED[0]]))
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "9")
    output = CliRunner().invoke(command, ["load", "things", "--dry-run"]).output
    assert output.splitlines()[-1].startswith(UP_TO)


def test_a_dry_run_goes_to_its_end_when_the_server_goes_away(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), b"broken", REFUSED[0]]))

    def lose_the_connection(cursor: Any, batches: Any) -> None:
        cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(loader.dry_run, "reject_unstorable", lose_the_connection)
    output = CliRunner().invoke(command, ["load", "things", "--dry-run"]).output
    assert output.splitlines()[-1].startswith(UP_TO)


def test_a_replay_reports_while_no_transaction_is_open(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join([b'{"id": 1, "updated_at": ""}', b"broken", REFUSED[0]]))
    load(Request(("things",)))
    corrected = {**CONTRACT, "properties": {**CONTRACT["properties"], "id": {"type": ["string", "integer"]}}}
    (source.parent / "declared" / "things.schema.json").write_text(json.dumps(corrected))
    open_transactions: list[int] = []

    def show(reject: Any, reason: Any) -> None:
        ((count,),) = rows(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and xact_start is not null"
        )
        open_transactions.append(count)

    assert replay("things", None, show) == {"things": 1}
    assert open_transactions == [0, 0]
