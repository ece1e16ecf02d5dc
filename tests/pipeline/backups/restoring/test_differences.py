"""A restore that gives other rows, marts, books or positions than the manifest says is refused, and so is a drill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.backups.contents import read_contents
from pipeline.backups.drilling.command import restore_in_scratch
from pipeline.backups.errors import RestoreDiffers
from pipeline.backups.manifest import read_manifest
from pipeline.backups.restoring.checks import check_contents
from pipeline.backups.restoring.restore import Request, restore_backup
from tests.pipeline.backups.test_verifying import EMPTY
from tests.support.backed_up.orders_to_back_up import change_manifest
from tests.support.databases import fresh_database, rows
from warehouse.connection import engine, forget
from warehouse.errors import RestoreInterrupted
from warehouse.migrations.layouts import latest_layout

POSITION = {"source": "orders", "name": "sold:0", "topic_id": "t", "partition": 0, "next_position": 7}


def compare(**changes: Any) -> list[str]:
    """Compare the warehouse with a manifest that says the same, but for these changes."""
    with engine("reader").connect() as connection:
        contents = read_contents(connection)
    database = replace(EMPTY.database, layout=latest_layout())
    then = replace(contents, **{name: change(getattr(contents, name)) for name, change in changes.items()})
    return list(check_contents(replace(EMPTY, database=database, contents=then), has_its_files=True))


def with_one_row_more(backup: Path) -> None:
    """Make the manifest of a backup say that one more order was in the dump than is."""
    contents = read_manifest(backup).contents
    change_manifest(backup, contents=replace(contents, rows={**contents.rows, "raw.orders": 201}))


def test_each_difference_is_refused_by_name(landed: Path) -> None:
    assert compare()[1:] == ["1 hash of a mart", "the books of 1 source, 0 positions of topics"]
    for changes, message in (
        ({"rows": lambda then: {**then, "raw.orders": 201}}, "rows of raw.orders differ: 201 in the backup, 200 when"),
        ({"rows": lambda then: {**then, "raw.gone": 1}}, "rows of raw.gone differ: 1 in the backup, None when"),
        (
            {"mart_hashes": lambda then: {"fct_orders": {**then["fct_orders"], "digest": "other"}}},
            "rows and hash of the mart fct_orders differ: {'digest': 'other'} in the backup, {'digest': ",
        ),
        (
            {"books": lambda then: [{**then[0], "landed": 199}]},
            "the books of orders differ: {'landed': 199} in the backup, {'landed': 200} when",
        ),
        (
            {"books": lambda then: [{**then[0], "gone": 3}]},  # a member that only an earlier Waybill counts
            "the books of orders differ: {'gone': 3} in the backup, {'gone': None} when",
        ),
        ({"positions": lambda then: [POSITION]}, "the position of orders t:0 differ: 7 in the backup, None when"),
    ):
        with pytest.raises(RestoreDiffers) as refused:
            compare(**changes)
        assert str(refused.value).startswith(message)


def test_a_restore_with_other_rows_is_never_complete(backup: Path) -> None:
    with_one_row_more(backup)
    with fresh_database("restored"):
        with pytest.raises(RestoreDiffers, match=r"rows of raw\.orders differ: 201 in the backup, 200 when"):
            restore_backup(Request(backup, None))
        forget()  # as the next command does, which is another process
        with pytest.raises(RestoreInterrupted):
            rows("select 1")


def test_a_drill_with_other_rows_fails(backup: Path) -> None:
    with_one_row_more(backup)
    with pytest.raises(RestoreDiffers, match=r"rows of raw\.orders differ: 201 in the backup, 200 when"):
        restore_in_scratch(Request(backup, None, "leave"), lambda step: None)
