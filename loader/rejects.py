"""Lists and exports what could not be landed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse.connection import connect

REJECTS = """
select inputs.source, inputs.name, rejects.position, rejects.reason, rejects.detail, rejects.pointer,
    rejects.bytes, rejects.length
from ledger.rejects
inner join ledger.batches on rejects.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where (%(source)s is null or inputs.source = %(source)s)
    and (%(reason)s is null or rejects.reason = %(reason)s)
    and rejects.replayed_by is null
order by inputs.source, inputs.name, rejects.position
"""


@dataclass(frozen=True)
class RejectRow:
    """One reject with its coordinate; `beginning` is all of its bytes when it is as long as `length`."""

    source: str
    name: str
    position: int
    reason: str
    detail: str
    pointer: str | None
    beginning: bytes
    length: int


def list_rejects(only: str | None = None, only_reason: str | None = None) -> Iterator[RejectRow]:
    """Yield the rejects that were not replayed, in order of source, file and position."""
    connection = connect("reader")
    try:
        with connection, connection.cursor("rejects") as cursor:
            cursor.execute(REJECTS, {"source": only, "reason": only_reason})
            for *values, beginning, length in cursor:
                source, name, position, reason, detail, pointer = values
                yield RejectRow(source, name, position, reason, detail, pointer, bytes(beginning), length)
    finally:
        connection.close()


def export_rejects(rows: Iterator[RejectRow], path: Path) -> tuple[int, int]:
    """Write the rejects' bytes, a line each, whole or not at all; return how many, and how many are kept in part."""
    partial = path.with_name(f".{path.name}.partial")
    written = in_part = 0
    with partial.open("wb") as file:
        for reject in rows:
            file.write(reject.beginning + b"\n")
            written += 1
            in_part += len(reject.beginning) < reject.length
    partial.replace(path)
    return written, in_part
