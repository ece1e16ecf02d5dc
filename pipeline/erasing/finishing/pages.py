"""Rewrites the pages that held erased rows: tables, statistics, write-ahead log and log of the server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.kinds import Kind
from pipeline.erasing.outside import BOOKKEEPING
from warehouse.connection import Warehouse, connect, current_warehouse, database_names
from warehouse.rewriting.server_files import empty_server_log, remove_lost_files
from warehouse.rewriting.tables import rewrite_tables
from warehouse.rewriting.wal import remove_old_wal
from warehouse.work_lock import ENDED
from waybill.text import counted

NEW = (Kind.TABLE,)  # dbt has just created these in new files, and dropped the old ones
LEDGER = ("ledger.rejects", "ledger.drift", "ledger.runs")  # the erasure changed rows of these
PREDICTIONS = "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'predictions'"
QUOTED = (
    "select format('%%I.%%I', given.schema, given.name) from unnest(%s::text[], %s::text[]) as given (schema, name)"
)
# Errors of runs can quote rows, whatever the source: only the name of the error stays.
FORGET_ERRORS = """
update ledger.runs set detail = coalesce(substring(detail from '^(\\w+): '), 'Error') || ': erased'
where outcome = 'failed' and detail <> %s and detail not like 'interrupted by %%' and detail !~ '^\\w+: erased$'
"""
OF_THE_SERVER = (
    "files of the write-ahead log, and their archive",
    "replicas, and base backups or snapshots of the server's disk",
    "the server's log, which quotes statements and rows of errors",
)


def rewrite_pages(erasing: Erasing, progress: Callable[[str], None]) -> str:
    """Rewrite every table that can have held an erased row, and the statistics; return a summary."""
    forget_errors()
    rewritten = rewrite_tables(_tables(erasing), progress)
    erasing.found["tables_rewritten"] = rewritten.tables
    erasing.left_to_others += [f"vacuum full, as the owner: {name}" for name in rewritten.skipped]
    if not rewritten.saw_all:
        erasing.left_to_others.append("transactions of other logins, which this login cannot see, may keep old rows")
    return f"{counted(len(rewritten.tables), 'table')} rewritten"


def forget_errors() -> None:
    """Take the texts of errors out of the ledger's runs. Which signal or kill ended a run stays known."""
    with closing(connect("loader")) as loader, loader, loader.cursor() as cursor:
        cursor.execute(FORGET_ERRORS, [ENDED])


def clean_server(erasing: Erasing) -> str:
    """Remove the embedded server's old log files; for another server, note what only its owner can do."""
    warehouse = current_warehouse()
    if warehouse.server is None:
        erasing.left_to_others += OF_THE_SERVER
        return "of an external server: the certificate says what its owner has to do"
    erasing.found["lost_files_removed"] = remove_lost_files(warehouse.server)
    erasing.found["server_log_bytes_removed"] = empty_server_log(warehouse.server)
    segments = erasing.found["wal_segments_removed"] = remove_old_wal()
    erasing.found["other_databases"] = _others(warehouse)
    return f"{counted(segments, 'segment')} of the write-ahead log and the server's log removed"


def _others(warehouse: Warehouse) -> list[str]:
    return [name for name in database_names(warehouse) if name != warehouse.settings.pgdatabase]


def _tables(erasing: Erasing) -> list[str]:
    kept = [relation for relation in erasing.downstream.stored if relation.kind not in NEW]
    stored = [*kept, *erasing.outside]
    names = [("raw", erasing.source), *((one.schema, one.name) for one in stored)]
    names += [("intermediate", name) for name in BOOKKEEPING]
    with closing(connect("owner")) as owner, owner, owner.cursor() as cursor:
        cursor.execute(QUOTED, [[schema for schema, _ in names], [name for _, name in names]])
        tables = [name for (name,) in cursor.fetchall()]
        if erasing.marts:
            cursor.execute(PREDICTIONS)
            tables += [name for (name,) in cursor.fetchall()]
    return [*LEDGER, *dict.fromkeys(tables)]
