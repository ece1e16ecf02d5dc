"""Lists the fields by which documents are uncastable, most documents first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from pipeline.adoption.carried_paths import path_of_reason
from warehouse.outcomes import HAS_OUTCOMES
from waybill.declared.adopting import advice
from waybill.text import counted, shown

# documents with the same reason but for its values and positions
REASONS = r"""
    select source, min(reason) as reason, count(*) as documents
    from intermediate.document_outcomes
    where outcome = 'uncastable' and reason is not null
    group by
        source, split_part(regexp_replace(regexp_replace(reason, '"(\\.|[^"\\])*"', '', 'g'), '\d+', '', 'g'), '; ', 1)
    order by documents desc, source, reason
    limit 1000
"""
MOST_CHARACTERS = 120


@dataclass(frozen=True)
class UncastableField:
    """Documents of a source that are uncastable by the value at one path, or by something that has none."""

    source: str
    path: str | None
    documents: int
    example: str

    @property
    def advice(self) -> str:
        """What to do if these values are right."""
        return advice("type", self.source, *([self.path] if self.path else []))

    def __str__(self) -> str:
        """Return everything in one sentence."""
        at = f" at {self.path}" if self.path else ""
        documents = f"{counted(self.documents, 'document')} of {self.source}{at}"
        return f"uncastable: {documents}, such as {self.example}; {self.advice}"


def list_uncastable(connection: Connection) -> list[UncastableField]:
    """Return the fields of all sources; a document counts for the first field that its reason names."""
    if not connection.scalar(text(HAS_OUTCOMES)):
        return []
    found: dict[tuple[str, str | None], UncastableField] = {}
    for row in connection.execute(text(REASONS)).mappings():
        source, reason, documents = row["source"], row["reason"], row["documents"]
        path = path_of_reason(source, reason)
        cut = shown(reason if len(reason) <= MOST_CHARACTERS else f"{reason[:MOST_CHARACTERS]}…")
        known = found.get((source, path))
        found[source, path] = (
            replace(known, documents=known.documents + documents)
            if known
            else UncastableField(source, path, documents, cut)
        )
    return sorted(found.values(), key=lambda one: (-one.documents, one.source, one.path or ""))
