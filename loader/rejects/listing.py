"""Lists and exports what could not be landed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from loader.errors import FileRefused
from loader.reading.framing import LINE_END
from loader.reading.inputs import InputFile
from loader.reading.originals import copy_range, find_original, message_command
from warehouse.connection import connect
from waybill.atomic_files import partial_folder

logger = logging.getLogger(__name__)

REJECTS = """
select rejects.source, rejects.input_name, rejects.position, rejects.reason, rejects.detail, rejects.pointer,
    rejects.bytes, rejects.length, rejects.first_byte, rejects.fingerprint, rejects.digest, inputs.names
from ledger.open_rejects as rejects
inner join ledger.named_inputs as inputs on rejects.input_id = inputs.input_id
where (%(source)s is null or rejects.source = %(source)s)
    and (%(reason)s is null or rejects.reason = %(reason)s)
order by rejects.source, rejects.input_name, rejects.position
"""


@dataclass(frozen=True)
class ListedReject:
    """One reject with its coordinate; `beginning` is all of its bytes when it is as long as `length`."""

    source: str
    name: str
    position: int
    reason: str
    detail: str
    pointer: str | None
    beginning: bytes
    length: int
    first_byte: int
    fingerprint: str
    digest: str | None
    names: list[str]


def list_rejects(only: str | None = None, only_reason: str | None = None) -> Iterator[ListedReject]:
    """Yield the rejects that were not replayed, in order of source, file and position."""
    connection = connect("reader")
    try:
        with connection, connection.cursor("rejects") as cursor:
            cursor.execute(REJECTS, {"source": only, "reason": only_reason})
            for source, name, position, reason, detail, pointer, beginning, *place in cursor:
                yield ListedReject(source, name, position, reason, detail, pointer, bytes(beginning), *place)
    finally:
        connection.close()


@dataclass(frozen=True)
class Exported:
    """How many rejects were written as lines and as files of their own, and how many of files and topics were not."""

    lines: int
    files: int
    left_out: int
    messages_left_out: int


def export_rejects(rows: Iterator[ListedReject], path: Path) -> Exported:
    """Write the rejects' bytes so that they can be loaded again: a line each, whole or not at all.

    What holds a line end itself becomes a file of its own in the folder `<path>.documents`, for the layout `document`;
    so does what was kept in part, read again from the file it came in. Left out is what that does not hold any more.
    So is a message that was kept in part; it is named in the log, with what writes it while its topic has it.
    A file begins with an empty line, so that nothing in a reject is taken for gzip or a byte order mark.

    Raises:
        FileRefused: the folder holds files already.
    """
    folder = path.with_name(f"{path.name}.documents")
    if folder.exists() and any(folder.iterdir()):
        raise FileRefused(f"{folder} holds files: remove it, or name another file")
    with partial_folder(path) as parts:
        exported = _written_all(rows, parts / "lines", parts / "documents")
        if exported.files:
            (parts / "documents").replace(folder)
        (parts / "lines").replace(path)
    return exported


def _written_all(rows: Iterator[ListedReject], path: Path, folder: Path) -> Exported:
    lines = files = left_out = messages_left_out = 0
    originals: dict[str, InputFile | None] = {}
    with path.open("wb") as file:
        file.write(b"\n")
        for reject in rows:
            is_whole = len(reject.beginning) == reject.length
            if is_whole and not LINE_END.search(reject.beginning):
                file.write(reject.beginning + b"\n")
                lines += 1
            elif not is_whole and reject.digest is None:
                messages_left_out += 1
                logger.warning(
                    "%s:%s is left out, only its beginning was kept; %s writes it, while the topic has it",
                    reject.name,
                    reject.position,
                    message_command(reject.name, reject.position),
                )
            elif _written(reject, folder / f"{files + 1:06}", originals):
                files += 1
            else:
                left_out += 1
    return Exported(lines, files, left_out, messages_left_out)


def _written(reject: ListedReject, path: Path, originals: dict[str, InputFile | None]) -> bool:
    """Write a reject to a file of its own; false when its bytes are nowhere whole."""
    digest, original = reject.digest or "", None
    is_whole = len(reject.beginning) == reject.length
    if not is_whole:
        if digest not in originals:
            originals[digest] = find_original(reject.names, digest)
        original = originals[digest]
        if original is None:
            return False
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(b"\n")
        if original is None:
            file.write(reject.beginning)
        else:
            mark = UUID(reject.fingerprint)
            is_whole = copy_range(original, reject.first_byte, reject.length, mark, file)
    if not is_whole:
        path.unlink()
    return is_whole
