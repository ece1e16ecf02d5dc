"""Lists the fields of current documents that no mart holds yet: drift that is not adopted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from waybill.declared.adopting import BY_HAND, advice, is_generated
from waybill.text import counted

HAS_LIST = "select to_regclass('intermediate.fields_not_adopted') is not null"
FIELDS = "select source, path, documents, first_document from intermediate.fields_not_adopted order by source, path"
MOST_NAMED = 5


@dataclass(frozen=True)
class FieldNotAdopted:
    """A field that no contract named when its documents landed, and that no mart holds; `path` as in `carried`."""

    source: str
    path: str
    documents: int
    first_document: str

    @property
    def advice(self) -> str:
        """What to do about it."""
        return advice("fields", self.source, self.path)


def list_fields_not_adopted(connection: Connection) -> list[FieldNotAdopted]:
    """Return the fields that the last dbt run found; none before the first run."""
    if not connection.scalar(text(HAS_LIST)):
        return []
    return [FieldNotAdopted(**row) for row in connection.execute(text(FIELDS)).mappings()]


def describe(fields: Sequence[FieldNotAdopted]) -> str:
    """Return lines for the end of a run: how many fields are not adopted, the first of them, and what to do."""
    lines = [f"not adopted: {counted(len(fields), 'field')}, in the raw table only"]
    lines += [f"  {one.path} of {one.source}: {counted(one.documents, 'document')}" for one in fields[:MOST_NAMED]]
    if len(fields) > MOST_NAMED:
        lines.append(f"  and {len(fields) - MOST_NAMED} more, see intermediate.fields_not_adopted")
    sources = sorted({one.source for one in fields})
    lines += [f"  {advice('fields', one, *_paths(fields, one))}" for one in sources if is_generated(one)]
    others = [one for one in sources if not is_generated(one)]
    lines += [f"  of {', '.join(others)}: {BY_HAND['fields']}"] if others else []
    return "\n".join(lines)


def _paths(fields: Sequence[FieldNotAdopted], source: str) -> list[str]:
    """Return the fields of a source; none, which means all, if they are too many for a line."""
    paths = [one.path for one in fields if one.source == source]
    return paths if len(paths) <= MOST_NAMED else []
