"""The log beside backups names what was erased by batch and position, too: what has no key has no hash."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from loader.erasing.erase import replace_policy
from loader.load import load
from loader.plan import Request
from pipeline.backups.erasure_log import LoggedErasure, begin_log, read_log
from pipeline.erasing.finishing.backup_logs import log_in_backups
from tests.loader.conftest import source  # noqa: F401
from tests.support.databases import rows
from tests.support.dbt_command import execute
from tests.support.documents import document
from tests.support.erasing import erase
from warehouse.connection import connect


def test_the_log_has_hashes_and_positions(database: str, source: Path, tmp_path: Path) -> None:  # noqa: F811
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), document(2), b'{"id": "t1", "x', document(3)]))
    load(Request(("things",)))
    folder = tmp_path / "backups" / "one"
    folder.mkdir(parents=True)
    begin_log(folder.parent)
    execute(
        "insert into ledger.backups (backup_id, run_id, folder)"
        f" select gen_random_uuid(), run_id, '{folder}' from ledger.runs"
    )
    erase("t1")
    (source / "b.ndjson").write_bytes(document(1))  # arrives later, so no backup can have it
    load(Request(("things",)))

    _, problems, _ = log_in_backups()

    assert problems == []
    (entry,) = read_log(folder.parent / "erasures.jsonl")
    assert isinstance(entry, LoggedErasure)
    batches = rows("select batch_id::text from ledger.batches where landed = 3")
    assert json.loads(json.dumps(entry.positions)) == [[*batches[0], 1], [*batches[0], 3]]
    assert (len(entry.key_hashes), entry.key_types) == (1, [["/id", "text"]])
    with closing(connect("keeper")) as keeper:
        replace_policy(keeper, entry.erasure_id, "refuse")
    log_in_backups()
    assert read_log(folder.parent / "erasures.jsonl") == [replace(entry, models="refuse")]
