"""Lands what was rejected and can be landed now, since the contract, the rule or the limit was mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.checking.checks import Checker, RejectReason
from loader.checking.contracts import Contract, read_contract
from loader.declarations import Source, read_source, source_names
from loader.landing.batch import Batch
from loader.landing.land import write_books, write_documents
from loader.landing.refused import ask_which
from loader.reading.inputs import InputFile
from loader.reading.originals import find_original, message_command, read_range
from loader.reading.ranges import InputPosition
from loader.tallies import tallies_of
from warehouse.reconnecting import ReconnectingConnection
from warehouse.runs import recorded_run
from waybill.settings import get_settings

PAGE = 500  # rejects in one transaction, fewer where they are large
PAGE_BYTES = 16 << 20

STANDING = """
select inputs.input_id, inputs.name, inputs.digest, rejects.batch_id, rejects.position, rejects.reason,
    rejects.first_byte, rejects.length, rejects.fingerprint, octet_length(rejects.bytes)
from ledger.rejects
inner join ledger.batches on rejects.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where
    inputs.source = %(source)s
    and rejects.replayed_by is null
    and (%(reason)s is null or rejects.reason = %(reason)s)
    and (inputs.input_id, rejects.position) > (%(input_id)s, %(position)s)
order by inputs.input_id, rejects.position
limit %(page)s
for update of rejects
"""

MARK = """
update ledger.rejects
set replayed_by = %s
from unnest(%s::uuid[], %s::bigint[]) as given (batch_id, position)
where rejects.batch_id = given.batch_id and rejects.position = given.position and rejects.replayed_by is null
"""

KEPT = "select bytes from ledger.rejects where batch_id = %s and position = %s"

NAMES = "select name from ledger.input_names where input_id = %s order by first_seen_at, name"


@dataclass(frozen=True)
class OpenReject:
    """A reject that was not replayed yet."""

    input_id: str
    name: str
    digest: str | None
    batch_id: str
    position: int
    reason: str
    first_byte: int
    length: int
    fingerprint: str
    kept: int


@dataclass(frozen=True)
class ReplayFeed:
    """Whose rejects are replayed, by which contract and run; a feed of its own."""

    source: Source
    contract: Contract
    max_bytes: int
    run_id: UUID
    feed: str = "replay"

    def checker(self, drift: Counter[tuple[str, str]]) -> Checker:
        """Return a checker for the documents that counts unknown fields."""
        return Checker(self.contract, self.max_bytes, drift)


ReplayBatch = Batch[ReplayFeed]


OnStanding = Callable[[OpenReject, RejectReason], None]


def replay(only: str | None, reason: str | None, on_standing: OnStanding) -> dict[str, int]:
    """Land the rejects that pass now; return how many of each source.

    They become batches of their own that read nothing and lessen the rejected by what they land. Each is landed once,
    however often and by however many this is asked at the same time. What still cannot be landed stays as it is and is
    handed to `on_standing` with the reason.

    Raises:
        LoaderError: no such source, or its contract cannot be used.
        psycopg2.Error: the server failed; what was replayed before stays.
    """
    sources = [read_source(name) for name in ([only] if only else source_names())]
    contracts = [read_contract(source) for source in sources]
    limit = get_settings().waybill_max_document_bytes
    connection = ReconnectingConnection("loader")
    with recorded_run(" ".join(["replay", *filter(None, [only, reason])])) as run_id:
        try:
            for source, contract in zip(sources, contracts, strict=True):
                worker = _Worker(ReplayFeed(source, contract, limit, run_id), reason, on_standing)
                connection.run(worker.finish)
            names = [source.source for source in sources]
            tallies = connection.run(lambda opened: tallies_of(opened, run_id, names))
        finally:
            connection.close()
    return {name: tally.landed for name, tally in tallies.items()}


class _Worker:
    """Goes through one source's rejects page by page, in order of input and position."""

    def __init__(self, origin: ReplayFeed, reason: str | None, on_standing: OnStanding) -> None:
        self._origin = origin
        self._reason = reason
        self._on_standing = on_standing
        self._left: set[tuple[str, int]] = set()
        self._behind = (str(UUID(int=0)), 0)
        self._originals: dict[str, InputFile | None] = {}

    def finish(self, connection: Connection) -> None:
        """Replay what is left, a transaction a page."""
        is_done = False
        while not is_done:
            with connection, connection.cursor() as cursor:
                page = self._page(cursor)
                parts = [self._part(cursor, list(rejects)) for _, rejects in groupby(page, lambda one: one.input_id)]
                self._land(cursor, page, parts)
            is_done = not page
            if page:
                self._behind = (page[-1].input_id, page[-1].position)

    def _page(self, cursor: Cursor) -> list[OpenReject]:
        input_id, position = self._behind
        asked = {"source": self._origin.source.source, "reason": self._reason, "page": PAGE}
        cursor.execute(STANDING, {**asked, "input_id": input_id, "position": position})
        page: list[OpenReject] = []
        for values in cursor.fetchall():
            page.append(OpenReject(*values))
            if sum(map(self._held_bytes, page)) >= PAGE_BYTES:
                break
        return page

    def _held_bytes(self, reject: OpenReject) -> int:
        """Return what a reject takes in memory: all of it when it may pass, also where its beginning alone was kept."""
        return reject.length if reject.length <= self._origin.max_bytes else reject.kept

    def _part(self, cursor: Cursor, rejects: list[OpenReject]) -> ReplayBatch:
        """Take in what passes of one input's rejects, as the batch that it becomes."""
        part = ReplayBatch(self._origin, InputPosition(rejects[0].position, 0))
        check = self._origin.checker(part.drift).check
        for reject in rejects:
            document = self._document(cursor, reject)
            refusal = document if isinstance(document, RejectReason) else check(document)
            if refusal:
                self._leave(reject, refusal)
            elif isinstance(document, bytes):
                part.take(reject.position, reject.first_byte, document)
        ask_which(cursor, [part])
        by_position = {reject.position: reject for reject in rejects}
        for refused in part.rejects:
            self._leave(by_position[refused.position], refused.refusal)
        part.rejects.clear()
        return part

    def _document(self, cursor: Cursor, reject: OpenReject) -> bytes | RejectReason:
        if reject.kept == reject.length:
            cursor.execute(KEPT, [reject.batch_id, reject.position])
            return bytes(cursor.fetchone()[0])  # type: ignore[index]
        if reject.length > self._origin.max_bytes:
            return RejectReason("too_large", f"{reject.length} bytes, the limit is {self._origin.max_bytes}")
        if reject.digest is None:
            command = message_command(reject.name, reject.position)
            return RejectReason(
                reject.reason, f"only its beginning was kept; {command} writes it, while the topic has it"
            )
        if reject.input_id not in self._originals:
            cursor.execute(NAMES, [reject.input_id])
            names = [name for (name,) in cursor.fetchall()]
            self._originals[reject.input_id] = find_original(names, reject.digest)
        original = self._originals[reject.input_id]
        if original is None:
            return RejectReason(reject.reason, f"only its beginning was kept, and {reject.name} is gone or has changed")
        found = read_range(original, reject.first_byte, reject.length, UUID(reject.fingerprint))
        return found or RejectReason(reject.reason, f"only its beginning was kept, and {reject.name} does not hold it")

    def _land(self, cursor: Cursor, page: list[OpenReject], parts: list[ReplayBatch]) -> None:
        inputs = dict.fromkeys(reject.input_id for reject in page)
        claimed = [(part, UUID(input_id)) for part, input_id in zip(parts, inputs, strict=True) if part.landed]
        write_documents(cursor, self._origin.source.source, claimed)
        write_books(cursor, claimed)
        batch_of = {(reject.input_id, reject.position): reject.batch_id for reject in page}
        for part, input_id in claimed:
            positions = [position for position, _ in part.documents()]
            batches = [batch_of[str(input_id), position] for position in positions]
            cursor.execute(MARK, [str(part.batch_id), batches, positions])

    def _leave(self, reject: OpenReject, refusal: RejectReason) -> None:
        if (reject.batch_id, reject.position) not in self._left:  # a page that failed comes again
            self._left.add((reject.batch_id, reject.position))
            self._on_standing(reject, refusal)
