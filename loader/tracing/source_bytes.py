"""Finds the original bytes of a document, reads them again and checks their fingerprint."""

from __future__ import annotations

from uuid import UUID

from loader.errors import LoaderError
from loader.reading.byte_ranges import InputPosition, fingerprint
from loader.reading.input_files import InputFile
from loader.reading.originals import find_original, read_beginning, read_document
from loader.reading.readings import Reading
from loader.tracing.facts import BatchFacts, Lineage, RejectFacts, SourceBytes
from loader.tracing.snapshot import Snapshot

NAMES = "select unnest(names) from ledger.named_inputs where input_id = %s"

REJECTED_BEFORE = """
select rejects.batch_id, octet_length(rejects.bytes) = rejects.length
from ledger.rejects
where rejects.replayed_by = %s and rejects.position = %s
"""


def find_source_bytes(snapshot: Snapshot, lineage: Lineage, at_hand: InputFile | None) -> SourceBytes | None:
    """Return where the document's bytes are, with their beginning if they can be read again; None for no document.

    `at_hand` is tried before the files that the ledger names.
    """
    batch = lineage.batch
    if batch is None or lineage.erased or (lineage.reject is None and lineage.landed is None):
        return None
    if lineage.reject:
        return _of_reject(snapshot, batch, lineage.reject, at_hand)
    if batch.feed == "kafka":
        return SourceBytes("in_topic")
    if batch.feed == "replay":
        return _of_replayed(snapshot, lineage)
    return _of_document(snapshot, batch, lineage, at_hand)


def _of_reject(
    snapshot: Snapshot, batch: BatchFacts, reject: RejectFacts, at_hand: InputFile | None
) -> SourceBytes | None:
    if len(reject.kept) == reject.length:
        if UUID(bytes=fingerprint(reject.kept)) != UUID(reject.fingerprint):
            return SourceBytes("reject_differs")
        return SourceBytes("checked", reject.kept, reject.length)
    if batch.feed == "kafka":
        return SourceBytes("in_topic")
    original = _original(snapshot, batch, at_hand)
    mark = UUID(reject.fingerprint)
    beginning = read_beginning(original, reject.first_byte, reject.length, mark) if original else None
    return SourceBytes("file_missing") if beginning is None else SourceBytes("checked", beginning, reject.length)


def _of_document(
    snapshot: Snapshot, batch: BatchFacts, lineage: Lineage, at_hand: InputFile | None
) -> SourceBytes | None:
    original = _original(snapshot, batch, at_hand)
    if original is None:
        return SourceBytes("file_missing")
    try:
        start = InputPosition(batch.first_position, batch.first_byte or 0)
        reading = Reading(batch.layout or "", batch.records_at)
        found = read_document(original, batch.source, reading, start, lineage.document.position)
    except LoaderError as error:
        return SourceBytes("unreadable", detail=str(error))
    if found is None or lineage.landed is None or UUID(bytes=fingerprint(found)) != UUID(lineage.landed.fingerprint):
        return SourceBytes("file_differs")
    return SourceBytes("checked", found, len(found))


def _of_replayed(snapshot: Snapshot, lineage: Lineage) -> SourceBytes | None:
    for batch_id, is_complete in snapshot.rows(REJECTED_BEFORE, lineage.document):
        return SourceBytes("in_reject", detail=batch_id, is_complete=is_complete)
    return None


def _original(snapshot: Snapshot, batch: BatchFacts, at_hand: InputFile | None) -> InputFile | None:
    """Return a file with the batch's content: the one at hand, or one that has a name of the input."""
    if at_hand and at_hand.digest == batch.digest:
        return at_hand
    return find_original([name for (name,) in snapshot.rows(NAMES, [batch.input_id])], batch.digest or "")
