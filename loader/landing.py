"""Lands one input: rows, rejects, drift, ledger and next position in one PostgreSQL transaction, through COPY."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from uuid import UUID

from psycopg2 import DataError, sql
from psycopg2.errors import ProgramLimitExceeded, StatementTooComplex
from psycopg2.extensions import connection as Connection

from loader.checks import Checker, Refusal
from loader.contracts import Contract
from loader.copying import BLOCK_BYTES, HEADER, TRAILER, BlockPipe, raw_row, row
from loader.declarations import FilePattern, Source
from loader.errors import FileChanged
from loader.framing import KEPT_BYTES, Unframed, frames
from loader.inputs import InputFile, identify, open_stream
from warehouse.identifiers import uuid7

Progress = Callable[[int], None]
SPOOL_BYTES = 16 << 20


@dataclass(frozen=True)
class Delivery:
    """What is to be landed, as what, and by which run."""

    input_file: InputFile
    source: Source
    pattern: FilePattern
    contract: Contract
    run_id: UUID | None
    most_bytes: int


@dataclass
class Tally:
    """What became of an input's documents; `is_new` is false when its content was landed before."""

    read: int = 0
    landed: int = 0
    rejected: int = 0
    skipped: int = 0
    next_position: int = 1
    is_new: bool = True
    reasons: dict[str, int] = field(default_factory=dict)


def land(connection: Connection, delivery: Delivery, progress: Progress) -> Tally:
    """Land an input once, whoever else tries at the same time; the same content again is skipped.

    The steps of the one transaction:
    1. claim the input's row in the ledger; another loader on the same content waits here,
    2. skip it when it is complete already,
    3. COPY the good documents, spooling the rejects,
    4. write batch, rejects and drift,
    5. advance the input's position, only if it is still where step 1 saw it,
    6. commit.

    Raises:
        FileChanged: the bytes were not those of the digest; nothing was landed.
        psycopg2.Error: the server or the way to it failed; nothing was landed.
    """
    with connection:  # 6.
        input_id, is_complete = _claim(connection, delivery)  # 1.
        if is_complete:
            return _skip(connection, delivery, input_id)  # 2.
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as rejects:
            landing = Landing(delivery, rejects)
            landing.copy(connection, progress)  # 3.
            _check_unchanged(delivery.input_file)
            _write_batch(connection, landing, input_id)  # 4.
        _advance(connection, input_id, landing.tally.next_position)  # 5.
    return landing.tally


def rehearse(delivery: Delivery, on_reject: Callable[[Unframed], None], progress: Progress) -> Tally:
    """Frame and check an input without writing anything anywhere."""
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as rejects:
        landing = Landing(delivery, rejects, on_reject)
        landing.fill(lambda block: None, progress)
    return landing.tally


class Landing:
    """One attempt to land one input as one batch."""

    def __init__(
        self, delivery: Delivery, rejects: IO[bytes], on_reject: Callable[[Unframed], None] | None = None
    ) -> None:
        """Take what is to be landed and where the rejects are spooled."""
        self.delivery = delivery
        self.batch_id = uuid7()
        self.rejects = rejects
        self._on_reject = on_reject
        self._refused: dict[int, Refusal] = {}
        self._start()

    def _start(self) -> None:
        self.tally = Tally()
        self.checker = Checker(self.delivery.contract, self.delivery.most_bytes)
        self.rejects.seek(0)
        self.rejects.truncate()
        self.rejects.write(HEADER)

    def copy(self, connection: Connection, progress: Progress) -> None:
        """COPY the good documents; when PostgreSQL refuses one that Python took, ask it which, and copy the others."""
        with connection.cursor() as cursor:
            cursor.execute("savepoint before_copy")
            try:
                self._copy(connection, progress)
            except (DataError, StatementTooComplex, ProgramLimitExceeded):
                cursor.execute("rollback to savepoint before_copy")
                self._refused = self._ask_which(connection)
                self._start()
                self._copy(connection, progress)

    def _copy(self, connection: Connection, progress: Progress) -> None:
        statement = sql.SQL("copy raw.{} from stdin (format binary)").format(
            sql.Identifier(self.delivery.source.source)
        )
        pipe = BlockPipe(lambda put: self.fill(put, progress))
        with pipe.filled(), connection.cursor() as cursor:
            try:
                cursor.copy_expert(statement.as_string(connection), pipe)
            finally:
                if pipe.error:
                    raise pipe.error

    def fill(self, put: Callable[[bytes], None], progress: Progress) -> None:
        """Frame, check and encode all documents; hand the rows on in large blocks."""
        batch, check, tally, refused = self.batch_id.bytes, self.checker.check, self.tally, self._refused
        rows, size, blake2b = [HEADER], 0, hashlib.blake2b
        with open_stream(self.delivery.input_file) as stream:
            for frame in frames(stream, self.delivery.pattern, self.delivery.most_bytes):
                if type(frame) is Unframed:
                    self._reject(frame)
                    continue
                position, first_byte, raw = frame  # type: ignore[misc]
                fingerprint = blake2b(raw, digest_size=16).digest()
                refusal = check(raw) or (refused.get(position) if refused else None)
                if refusal:
                    kept = raw[:KEPT_BYTES]
                    self._reject(Unframed(position, first_byte, len(raw), kept, UUID(bytes=fingerprint), refusal))
                    continue
                tally.landed += 1
                tally.next_position = position + 1
                rows.append(raw_row(batch, position, fingerprint, raw))
                size += len(raw)
                if size > BLOCK_BYTES:
                    put(b"".join(rows))
                    progress(stream.bytes_read)
                    rows, size = [], 0
            put(b"".join(rows) + TRAILER)
            progress(stream.bytes_read)
        tally.read = tally.landed + tally.rejected

    def _reject(self, reject: Unframed) -> None:
        self.tally.rejected += 1
        self.tally.next_position = reject.position + 1
        reason = reject.refusal.reason
        self.tally.reasons[reason] = self.tally.reasons.get(reason, 0) + 1
        if self._on_reject:
            self._on_reject(reject)
        self.rejects.write(
            row(
                self.batch_id,
                reject.position,
                reason,
                reject.refusal.detail,
                reject.refusal.pointer,
                reject.beginning,
                reject.first_byte,
                reject.length,
                reject.fingerprint,
            )
        )

    def _ask_which(self, connection: Connection) -> dict[int, Refusal]:
        """Ask PostgreSQL about every document that Python took, some megabytes a round trip."""
        found: dict[int, Refusal] = {}
        block: list[tuple[int, str]] = []
        size = 0
        with open_stream(self.delivery.input_file) as stream:
            for frame in frames(stream, self.delivery.pattern, self.delivery.most_bytes):
                if type(frame) is Unframed:
                    continue
                position, _, raw = frame  # type: ignore[misc]
                if self.checker.check(raw) is None:
                    block.append((position, raw.decode()))
                    size += len(raw)
                if size > BLOCK_BYTES:
                    found.update(_refused_by_server(connection, block))
                    block, size = [], 0
        found.update(_refused_by_server(connection, block))
        return found


REFUSED = """
select given.position, (pg_input_error_info(given.document, 'jsonb')).message
from unnest(%s::bigint[], %s::text[]) as given (position, document)
where not pg_input_is_valid(given.document, 'jsonb')
"""


def _refused_by_server(connection: Connection, block: list[tuple[int, str]]) -> dict[int, Refusal]:
    with connection.cursor() as cursor:
        cursor.execute(REFUSED, [[position for position, _ in block], [document for _, document in block]])
        return {position: Refusal("not_storable", f"PostgreSQL: {message}") for position, message in cursor.fetchall()}


def _claim(connection: Connection, delivery: Delivery) -> tuple[UUID, bool]:
    given = delivery.input_file
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into ledger.inputs (input_id, source, feed, digest, name, size_bytes, layout)"
            " values (%s, %s, 'file', %s, %s, %s, %s) on conflict (source, digest) do nothing",
            [str(uuid7()), delivery.source.source, given.digest, given.name, given.size_bytes, delivery.pattern.layout],
        )
        cursor.execute(
            "select input_id, is_complete from ledger.inputs where source = %s and digest = %s for update",
            [delivery.source.source, given.digest],
        )
        input_id, is_complete = cursor.fetchone()  # type: ignore[misc]
    return UUID(input_id), is_complete


def _skip(connection: Connection, delivery: Delivery, input_id: UUID) -> Tally:
    """Count the documents of a content that was landed before as skipped, once for each new name."""
    with connection.cursor() as cursor:
        if not _add_name(connection, delivery, input_id):
            return Tally(is_new=False)
        cursor.execute(
            "select sum(landed + rejected), max(next_position) from ledger.batches where input_id = %s",
            [str(input_id)],
        )
        documents, next_position = cursor.fetchone()  # type: ignore[misc]
    tally = Tally(read=int(documents), skipped=int(documents), next_position=next_position, is_new=False)
    _insert_batch(connection, delivery, (uuid7(), input_id), tally)
    return tally


def _write_batch(connection: Connection, landing: Landing, input_id: UUID) -> None:
    _insert_batch(connection, landing.delivery, (landing.batch_id, input_id), landing.tally)
    _add_name(connection, landing.delivery, input_id)
    landing.rejects.write(TRAILER)
    landing.rejects.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(
            "copy ledger.rejects (batch_id, position, reason, detail, pointer, bytes, first_byte, length, fingerprint)"
            " from stdin (format binary)",
            landing.rejects,
        )
        for (pointer, json_type), documents in landing.checker.drift.items():
            cursor.execute(
                "insert into ledger.drift (batch_id, pointer, json_type, documents) values (%s, %s, %s, %s)",
                [str(landing.batch_id), pointer, json_type, documents],
            )


def _insert_batch(connection: Connection, delivery: Delivery, ids: tuple[UUID, UUID], tally: Tally) -> None:
    batch_id, input_id = ids
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into ledger.batches (batch_id, input_id, run_id, source, feed, first_position, next_position,"
            " contract_digest, read, landed, rejected, skipped)"
            " values (%s, %s, %s, %s, 'file', 1, %s, %s, %s, %s, %s, %s)",
            [
                str(batch_id),
                str(input_id),
                str(delivery.run_id),
                delivery.source.source,
                tally.next_position,
                delivery.contract.digest,
                tally.read,
                tally.landed,
                tally.rejected,
                tally.skipped,
            ],
        )


def _add_name(connection: Connection, delivery: Delivery, input_id: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into ledger.input_names (input_id, name) values (%s, %s) on conflict do nothing",
            [str(input_id), delivery.input_file.name],
        )
        return cursor.rowcount == 1


def _advance(connection: Connection, input_id: UUID, next_position: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "update ledger.inputs set next_position = %s, is_complete = true"
            " where input_id = %s and next_position = 1 and not is_complete",
            [next_position, str(input_id)],
        )
        if cursor.rowcount != 1:
            raise FileChanged(f"input {input_id} was advanced by another loader; run again")


def _check_unchanged(given: InputFile) -> None:
    if identify(Path(given.path)).digest != given.digest:
        raise FileChanged(
            f"{given.name} changed while it was read; nothing of it was landed; run again when it is whole"
        )
