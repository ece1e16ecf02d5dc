"""The tables and views of sources in the warehouse, and how they are dropped with what dbt knows of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from pipeline.errors import ModellingRefused
from pipeline.modelling.removing.queries import (
    DEPENDENT_VIEWS,
    FOREIGN_KEYS_FROM_OTHERS,
    FORGET,
    HAS_STATE,
    MODELS_OF_SOURCE,
    OUTCOMES_OF_OTHERS,
    READ_RAW,
    RELATIONS,
)
from warehouse.dbt_login import DBT_PROJECT

OUTCOMES = "intermediate.document_outcomes"
OUTCOME_COLUMNS = {
    "source": "text",
    "document_key": "text",
    "outcome": "text",
    "reason": "text",
    "document_version": "text",
    "_batch_id": "uuid",
    "_position": "bigint",
    "_fingerprint": "uuid",
    "surviving_batch_id": "uuid",
    "surviving_position": "bigint",
}


@dataclass(frozen=True)
class SourceTables:
    """The tables and views of sources, as `schema.name`, and the names of their dbt models."""

    sources: tuple[str, ...]
    models: tuple[str, ...]
    tables: tuple[str, ...]
    views: tuple[str, ...]

    @classmethod
    def find(cls, cursor: Cursor, sources: Mapping[str, Collection[str]]) -> SourceTables:
        """Find what is there of sources and their models; of a source without files, by what dbt has processed.

        Raises:
            ModellingRefused: another view reads one of the tables.
        """
        models = {model for source, given in sources.items() for model in _models(cursor, source, given)}
        cursor.execute(RELATIONS, {"models": sorted(models), "sources": list(sources)})
        rows = cursor.fetchall()
        tables = tuple(name for name, kind in rows if kind != "v")
        views = tuple(name for name, kind in rows if kind == "v")
        found = cls(tuple(sources), tuple(sorted(models)), tables, views)
        found._require_unread(cursor)
        return found

    def drop(self, cursor: Cursor) -> None:
        """Drop them, make the view of all outcomes again without them, and forget what dbt has processed of them."""
        names = [*self.tables, *self.views]
        _restrict_outcomes(cursor, names)
        cursor.execute(FOREIGN_KEYS_FROM_OTHERS, {"names": names})
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        for kind, dropped in (("view", self.views), ("table", self.tables)):
            if dropped:
                cursor.execute(sql.SQL(f"drop {kind} {{}}").format(_identifiers(dropped)))
        for table, statement in FORGET.items():
            cursor.execute(HAS_STATE, [table])
            if cursor.fetchone() == (True,):
                cursor.execute(statement, {"models": list(self.models), "sources": list(self.sources)})

    def _require_unread(self, cursor: Cursor) -> None:
        cursor.execute(DEPENDENT_VIEWS, {"names": [*self.tables, *self.views], "outcomes": OUTCOMES})
        if reading := [name for (name,) in cursor.fetchall()]:
            raise ModellingRefused(
                f"{', '.join(reading)} in the database {'read' if len(reading) > 1 else 'reads'} the tables of "
                f"{', '.join(self.sources)}: drop it first; nothing was removed"
            )


def _models(cursor: Cursor, source: str, given: Collection[str]) -> set[str]:
    """Return the models of a source: the given ones, and those without a file that only this source has fed."""
    found = {*given, f"stg_{source}", f"int_{source}_deduplicated", f"int_{source}_outcomes"}
    cursor.execute(READ_RAW, {"raw": f'raw."{source}"'})
    found |= {name for (name,) in cursor.fetchall()}
    cursor.execute(HAS_STATE, ["intermediate.processed_batches"])
    if cursor.fetchone() == (True,):
        cursor.execute(MODELS_OF_SOURCE, {"source": source})
        found |= {name for (name,) in cursor.fetchall()}
    others = {path.stem for path in (DBT_PROJECT / "models").rglob("*.sql")} - set(given)
    return found - others


def _restrict_outcomes(cursor: Cursor, dropped: Collection[str]) -> None:
    """Make the view of all outcomes again from the views that stay; do nothing if there is no such view."""
    cursor.execute(HAS_STATE, [OUTCOMES])
    if cursor.fetchone() != (True,):
        return
    cursor.execute(OUTCOMES_OF_OTHERS, {"outcomes": OUTCOMES, "dropped": list(dropped)})
    staying = [name for (name,) in cursor.fetchall()]
    columns = sql.SQL(", ").join(map(sql.Identifier, OUTCOME_COLUMNS))
    nothing = sql.SQL(", ").join(
        sql.SQL(f"null::{kind} as {{}}").format(sql.Identifier(name)) for name, kind in OUTCOME_COLUMNS.items()
    )
    selects = [sql.SQL("select {} from {}").format(columns, _identifiers([name])) for name in staying]
    united = sql.SQL(" union all ").join(selects) if selects else sql.SQL("select {} where false").format(nothing)
    cursor.execute(sql.SQL("create or replace view {} as {}").format(_identifiers([OUTCOMES]), united))


def _identifiers(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(*name.split(".")) for name in names)
