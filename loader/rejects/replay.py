"""Replays rejects: lands those that pass now, because the contract, the check or the size limit has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from psycopg2.extensions import connection as Connection

from loader.checking.checker import RejectReason
from loader.checking.contracts import read_contract
from loader.declarations import read_source, source_names
from loader.errors import FileRefused
from loader.landing.land import land
from loader.landing.nulls import MESSAGE_KEY, key_problem
from loader.reading.byte_ranges import InputPosition
from loader.reading.input_files import InputFile
from loader.reading.originals import find_original, message_command, read_range
from loader.rejects.replay_positions import OpenReject, ReplayBatch, ReplayFeed, ReplayPositions
from loader.tallies import tallies_of
from warehouse.reconnecting import ReconnectingConnection
from warehouse.runs import recorded_run
from waybill.settings import get_settings

PAGE = 500  # rejects in one transaction; fewer where they are large
PAGE_BYTES = 16 << 20

OPEN = """
select input_id, input_name, digest, batch_id, position, reason, first_byte, length, fingerprint, octet_length(bytes),
    pointer
from ledger.open_rejects
where
    source = %(source)s
    and (%(reason)s is null or reason = %(reason)s)
    and (input_id, position) > (%(input_id)s, %(position)s)
order by input_id, position
limit %(page)s
"""

BYTES = "select bytes from ledger.rejects where batch_id = %s and position = %s"

NAMES = "select unnest(names) from ledger.named_inputs where input_id = %s"

OnRejected = Callable[[OpenReject, RejectReason], None]
Reasons = dict[tuple[str, int], RejectReason]  # by input and position


def replay(only: str | None, reason: str | None, on_rejected: OnRejected) -> dict[str, int]:
    """Land the rejects that pass now, each exactly once; return the number of landed documents by source.

    Their batches read nothing and move documents from rejected to landed; each takes its documents from one batch, with
    which it is undone. It is safe to run this repeatedly and in
    several processes at once. Each document that is rejected again stays unchanged and is passed to `on_rejected` with
    the reason.

    Raises:
        LoaderError: the source is not declared, or its contract cannot be used.
        psycopg2.Error: the server failed; what was replayed before stays landed.
    """
    sources = [read_source(name) for name in (source_names() if only is None else [only])]
    contracts = [read_contract(source) for source in sources]
    max_bytes = get_settings().waybill_max_document_bytes
    connection = ReconnectingConnection("loader")
    with recorded_run(" ".join(["replay", *filter(None, [only, reason])])) as run_id:
        try:
            for source, contract in zip(sources, contracts, strict=True):
                source_replay = _SourceReplay(ReplayFeed(source, contract, max_bytes, run_id), reason, on_rejected)
                connection.run(source_replay.finish)
            names = [source.source for source in sources]
            tallies = connection.run(lambda opened: tallies_of(opened, run_id, names))
        finally:
            connection.close()
    return {name: tally.landed for name, tally in tallies.items()}


class _SourceReplay:
    """Replays one source's rejects page by page, in the order of input and position."""

    def __init__(self, feed: ReplayFeed, reason: str | None, on_rejected: OnRejected) -> None:
        self._feed = feed
        self._reason = reason
        self._on_rejected = on_rejected
        self._last_key = (str(UUID(int=0)), 0)  # input and position of the last reject that was replayed
        self._originals: dict[str, InputFile | None] = {}

    def finish(self, connection: Connection) -> None:
        """Replay the remaining rejects, one page in each transaction.

        No transaction is open while files are read or output is written, however long either takes.
        """
        while page := self._next_page(connection):
            reasons: Reasons = {}
            by_batch = groupby(page, lambda reject: reject.batch_id)
            batches = [self._batch(connection, list(rejects), reasons) for _, rejects in by_batch]
            land(connection, batches, ReplayPositions(page))
            self._last_key = (page[-1].input_id, page[-1].position)
            for batch in batches:
                reasons.update({(str(batch.input_id), found.position): found.reason for found in batch.rejects})
            for reject in page:
                if reason := reasons.get((reject.input_id, reject.position)):
                    self._on_rejected(reject, reason)

    def _next_page(self, connection: Connection) -> list[OpenReject]:
        input_id, position = self._last_key
        query = {"source": self._feed.source.source, "reason": self._reason, "page": PAGE}
        page: list[OpenReject] = []
        with connection, connection.cursor() as cursor:
            cursor.execute(OPEN, {**query, "input_id": input_id, "position": position})
            for values in cursor.fetchall():
                page.append(OpenReject(*values))
                if sum(map(self._memory_bytes, page)) >= PAGE_BYTES:
                    break
        return page

    def _memory_bytes(self, reject: OpenReject) -> int:
        """Return the memory that a reject takes: its length if it may pass now, even if only its beginning was kept."""
        return reject.length if reject.length <= self._feed.max_bytes else reject.kept_bytes

    def _batch(self, connection: Connection, rejects: list[OpenReject], reasons: Reasons) -> ReplayBatch:
        """Return the batch of those of one batch's rejects that pass now; add the reasons of the others."""
        start = InputPosition(rejects[0].position, 0)
        batch = ReplayBatch(self._feed, start, input_id=UUID(rejects[0].input_id))
        check = self._feed.checker(batch.drift).check
        for reject in rejects:
            document = self._read(connection, reject)
            is_null = reject.pointer == MESSAGE_KEY
            if isinstance(document, RejectReason):
                reason: RejectReason | None = document
            else:
                reason = key_problem(self._feed.source, document) if is_null else check(document)
            if reason:
                reasons[reject.input_id, reject.position] = reason
            elif isinstance(document, bytes) and is_null:
                batch.add_null(reject.position, document)
            elif isinstance(document, bytes):
                batch.add(reject.position, reject.first_byte, document)
        return batch

    def _read(self, connection: Connection, reject: OpenReject) -> bytes | RejectReason:
        """Return a reject's bytes from the ledger or from its file, or the reason why they cannot be read."""
        if reject.kept_bytes == reject.length:
            ((kept,),) = _rows(connection, BYTES, [reject.batch_id, reject.position])
            return bytes(kept)
        max_bytes = self._feed.max_bytes
        if reject.length > max_bytes:
            return RejectReason("too_large", f"{reject.length} bytes, the limit is {max_bytes}")
        if reject.digest is None:
            command = message_command(reject.name, reject.position)
            return RejectReason(
                reject.reason, f"only its beginning was kept; while the topic has the message, {command} prints it"
            )
        if reject.input_id not in self._originals:
            names = [name for (name,) in _rows(connection, NAMES, [reject.input_id])]
            self._originals[reject.input_id] = find_original(names, reject.digest)
        original = self._originals[reject.input_id]
        if original is None:
            return RejectReason(reject.reason, f"only its beginning was kept, and {reject.name} is gone or has changed")
        try:
            found = read_range(original, reject.first_byte, reject.length, UUID(reject.fingerprint))
        except FileRefused as error:  # removed, or unreadable, since it was found
            return RejectReason(reject.reason, f"only its beginning was kept, and {error}")
        return found or RejectReason(reject.reason, f"only its beginning was kept, and {reject.name} does not hold it")


def _rows(connection: Connection, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
