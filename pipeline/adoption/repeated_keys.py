"""Lists the sources whose documents repeat a key: other values under the same key, and nothing says which are newer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from pipeline.dbt.sources_yml import modelled_sources
from waybill.declared.adopting import advice
from waybill.text import counted, shown

IS_THERE = "select to_regclass(:name) is not null"
# Without a version, the last delivered document is current: there, only documents of one batch are compared.
REPEATED = """
    select count(*) as documents, min(older.document_key) as example
    from {table} as older
    inner join {table} as newer
        on older.surviving_batch_id = newer._batch_id and older.surviving_position = newer._position
    where older.outcome = 'superseded'
        and older.document_version is not distinct from newer.document_version
        and older._version_digits = newer._version_digits
        and (older.document_version is not null or older._batch_id = newer._batch_id)
"""


@dataclass(frozen=True)
class RepeatedKey:
    """Superseded documents of a source that differ from the current one of their key, and have the same version."""

    source: str
    documents: int
    example: str

    @property
    def advice(self) -> str:
        """What to do if these are different things."""
        return advice("key", self.source)

    def __str__(self) -> str:
        """Return everything in one sentence."""
        differ = "differs from another one" if self.documents == 1 else "differ from others"
        return (
            f"repeated key: {counted(self.documents, 'document')} of {self.source} {differ} "
            f"with the same key and version, such as {self.example}; {self.advice}"
        )


def list_repeated_keys(connection: Connection) -> list[RepeatedKey]:
    """Return the sources that repeat a key."""
    found = []
    for source in modelled_sources():
        table = f'intermediate."int_{source}_deduplicated"'
        if connection.scalar(text(IS_THERE), {"name": table}):
            row = connection.execute(text(REPEATED.format(table=table))).mappings().one()
            if row["documents"]:
                found.append(RepeatedKey(source, row["documents"], shown(row["example"])))
    return found
