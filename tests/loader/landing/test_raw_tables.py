"""A source that was declared after the first load has a raw table before dbt reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import loader.declarations
from loader.landing.raw_tables import make_later_raw_tables, make_raw_tables
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.documents import document

COLUMNS = """
    select table_name, string_agg(column_name, ' ' order by ordinal_position)
    from information_schema.columns where table_schema = 'raw' group by 1 order by 1
"""
PLAIN = "_batch_id _position _fingerprint document"


def declare(name: str, **values: object) -> None:
    """Declare a source like `things`."""
    folder = loader.declarations.SOURCES
    declaration = yaml.safe_load((folder / "things.yml").read_text()) | {"source": name, "files": []} | values
    (folder / f"{name}.yml").write_text(yaml.safe_dump(declaration))


def test_a_later_source_gets_its_table_once_anything_landed(database: str, source: Path) -> None:
    make_later_raw_tables()
    assert rows(COLUMNS) == []
    (source / "a.ndjson").write_bytes(document(1))
    load(Request(("things",)))
    declare("later", topic="later", tombstone="delete")
    make_later_raw_tables()
    assert rows(COLUMNS) == [("later", f"{PLAIN} _message_key"), ("things", PLAIN)]


@pytest.mark.parametrize("values", [{"key": "id"}, {"verison": "/x"}], ids=str)
def test_a_broken_declaration_of_another_source_stops_nothing(
    database: str, source: Path, values: dict[str, object]
) -> None:
    declare("broken", **values)
    make_raw_tables()
    declare("things", topic="things", tombstone="delete")
    make_raw_tables()
    make_raw_tables()
    assert dict(rows(COLUMNS)) == {"broken": PLAIN, "things": f"{PLAIN} _message_key"}
