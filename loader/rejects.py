"""Lists and exports what could not be landed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loader.errors import FileRefused
from loader.framing import LINE_END
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


@dataclass(frozen=True)
class Exported:
    """How many rejects were written as lines and as files of their own, and of how many only a part was kept."""

    lines: int
    files: int
    in_part: int


def export_rejects(rows: Iterator[RejectRow], path: Path) -> Exported:
    """Write the rejects' bytes so that they can be loaded again: a line each, whole or not at all.

    What holds a line end itself becomes a file of its own in the folder `<path>.documents`, for the layout `document`.
    A file begins with an empty line, so that nothing in a reject is taken for gzip or a byte order mark.
    """
    partial, folder = path.with_name(f".{path.name}.partial"), path.with_name(f"{path.name}.documents")
    if folder.exists() and any(folder.iterdir()):
        raise FileRefused(f"{folder} holds files: remove it, or name another file")
    lines = files = in_part = 0
    with partial.open("wb") as file:
        file.write(b"\n")
        for reject in rows:
            in_part += len(reject.beginning) < reject.length
            if LINE_END.search(reject.beginning):
                folder.mkdir(exist_ok=True)
                files += 1
                (folder / f"{files:06}").write_bytes(b"\n" + reject.beginning)
            else:
                file.write(reject.beginning + b"\n")
                lines += 1
    partial.replace(path)
    return Exported(lines, files, in_part)
