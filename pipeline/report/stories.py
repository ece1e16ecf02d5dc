"""The story of one document, as the report tells it: where it came from, what became of it, and how it begins."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from sqlalchemy import RowMapping

from loader.tracing.lineage import shown_time

SAMPLE_CHARACTERS = 72
SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class Story:
    """What became of one document; `kind` is its reason as a reject, or its outcome. Every text is as it came."""

    anchor: str
    kind: str
    source: str
    coordinate: str
    key: str | None
    said: str
    facts: list[tuple[str, str]]
    document: str
    is_cut: bool = False
    length: int | None = None
    ask: str = ""

    @property
    def sample(self) -> str:
        """How the document begins."""
        return self.document[:SAMPLE_CHARACTERS]


def story_of_reject(row: RowMapping) -> Story:
    """Tell of a reject."""
    pointer = f" at {row['pointer']}" if row["pointer"] else ""
    facts = [*_came(row), ("rejected", f"{row['reason']}: {row['detail']}{pointer}")]
    if row["replayed_by"]:
        facts.append(("replayed", f"landed after all, by batch {row['replayed_by']}"))
    said = f"{row['detail']}{pointer}{' (replayed)' if row['replayed_by'] else ''}"
    shown, length = bytes(row["bytes"]), row["length"]
    return _story(row, row["reason"], None, said, facts, readable(shown), length > len(shown), length)


def story_of_outcome(row: RowMapping, document: str) -> Story:
    """Tell of a landed document as jsonb spells it, which shows its beginning."""
    facts = _came(row)
    if row["document_key"]:
        facts.append(("key", row["document_key"]))
    facts.append((row["outcome"], row["reason"] or ""))
    said = row["reason"] or ""
    if row["survivor_name"]:
        said = f"{row['survivor_name']}:{row['surviving_position']} stands in its place"
        facts[-1] = (row["outcome"], said)
    shown = document[:SHOWN_CHARACTERS]
    return _story(row, row["outcome"], row["document_key"], said, facts, shown, document != shown)


def _came(row: RowMapping) -> list[tuple[str, str]]:
    if row["committed_at"] is None:
        return [("batch", f"{row['batch_id']}, which the ledger does not know")]
    return [("came", f"batch {row['batch_id']}, committed {shown_time(row['committed_at'])} by {row['command']}")]


def _story(
    row: RowMapping,
    kind: str,
    key: str | None,
    said: str,
    facts: list[tuple[str, str]],
    document: str,
    is_cut: bool,
    length: int | None = None,
) -> Story:
    coordinate = f"{row['name']}:{row['position']}"
    return Story(
        anchor=f"{row['source']}-{row['batch_id']}-{row['position']}",
        kind=kind,
        source=row["source"],
        coordinate=readable(coordinate.encode()),
        key=key,
        said=said,
        facts=facts,
        document=document,
        is_cut=is_cut,
        length=length,
        ask=f".venv/bin/python -m loader why {shlex.quote(coordinate)}",
    )


def readable(sample: bytes) -> str:
    """Return bytes as a text without invisible characters: what cannot be shown stands as an escape."""
    decoded = sample.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in decoded)
