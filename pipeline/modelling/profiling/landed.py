"""Profiles what has landed in a raw table, in one snapshot: documents that land meanwhile are left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from loader.declarations import FilePattern
from loader.reading.byte_ranges import Frame
from pipeline.errors import ModellingRefused
from pipeline.modelling.profiling.profile import Profile
from pipeline.modelling.profiling.profiling import profile_inputs
from pipeline.modelling.profiling.reading.inputs import Advance
from warehouse.connection import connect
from waybill.cli import shown_command

FETCHED_ROWS = 2_000
LINES = FilePattern(pattern="*", layout="ndjson")


@dataclass(frozen=True)
class LandedInput:
    """The documents of a raw table, as PostgreSQL writes them."""

    source: str
    connection: Connection
    size_bytes: int
    path: Path | None = None
    pattern: FilePattern = LINES

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"raw.{self.source}"

    def frames(self, advance: Advance) -> Iterator[Frame]:
        """Yield the documents; the order does not matter to a profile."""
        table = sql.Identifier("raw", self.source)
        with self.connection.cursor(name="landed") as cursor:
            cursor.itersize = FETCHED_ROWS
            cursor.execute(sql.SQL("select document::text from {}").format(table))
            for position, (text,) in enumerate(cursor, start=1):
                document = text.encode()
                advance(len(document))
                yield position, 0, document


def profile_landed(source: str) -> Profile:
    """Read all documents that have landed in the raw table of a source.

    Raises:
        ModellingRefused: no document has landed.
    """
    with closing(connect("reader")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        return profile_inputs([LandedInput(source, connection, _size_bytes(source, connection))])


def _size_bytes(source: str, connection: Connection) -> int:
    table = sql.Identifier("raw", source)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("select count(*), sum(octet_length(document::text)) from {}").format(table))
            found = cursor.fetchone() or (0, 0)
    except psycopg2.errors.UndefinedTable:
        found = (0, 0)
    if not found[0]:
        raise ModellingRefused(
            f"nothing of source {source} has landed: run `{shown_command(f'load {source}')}` or consume its topic first"
        )
    return int(found[1])
