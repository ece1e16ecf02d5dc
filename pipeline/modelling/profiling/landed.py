"""Profiles what has landed in a raw table, in one snapshot: documents that land meanwhile are left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
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
DOCUMENTS = """
select documents.document::text from raw.{source} as documents
where documents.document <> 'null'
    and not exists (select from ledger.undone_batches as undone where undone.batch_id = documents._batch_id)
"""


@dataclass(frozen=True)
class LandedInput:
    """The documents of a raw table that were not undone, as PostgreSQL writes them; nulls of a topic are none."""

    source: str
    connection: Connection
    size_bytes: int = 0  # it is not known before all is read
    path: Path | None = None
    pattern: FilePattern = LINES

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"raw.{self.source}"

    def frames(self, advance: Advance) -> Iterator[Frame]:
        """Yield the documents; the order does not matter to a profile."""
        statement = sql.SQL(DOCUMENTS).format(source=sql.Identifier(self.source))
        with self.connection.cursor(name="landed") as cursor:
            cursor.itersize = FETCHED_ROWS
            cursor.execute(statement)
            for position, (text,) in enumerate(cursor, start=1):
                document = text.encode()
                advance(len(document))
                yield position, 0, document

    def check_unchanged(self) -> None:
        """Do nothing: every query sees the same moment."""


@contextmanager
def landed_inputs(source: str) -> Iterator[list[LandedInput]]:
    """Give the one input of what has landed in the raw table of a source, without what was undone.

    Raises:
        ModellingRefused: no document has landed.
    """
    with closing(connect("reader")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        if not _has_documents(source, connection):
            raise ModellingRefused(
                f"nothing of source {source} has landed: run `{shown_command(f'load {source}')}` or consume its topic "
                "first"
            )
        yield [LandedInput(source, connection)]


def profile_landed(source: str) -> Profile:
    """Read all documents that have landed in the raw table of a source, but those that were undone.

    Raises:
        ModellingRefused: no document has landed.
    """
    with landed_inputs(source) as inputs:
        return profile_inputs(inputs)


def _has_documents(source: str, connection: Connection) -> bool:
    statement = sql.SQL(f"select exists ({DOCUMENTS})").format(source=sql.Identifier(source))
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return bool((cursor.fetchone() or (False,))[0])
    except psycopg2.errors.UndefinedTable:
        return False
