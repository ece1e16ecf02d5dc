"""Reads inputs a chunk of documents at a time: checked as the loader does, and parsed with exact numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from loader.checking.checker import Checker, RejectReason, is_of_document
from loader.checking.contracts import Contract
from loader.reading.byte_ranges import Reject
from pipeline.modelling.profiling.profile import FileProfile
from pipeline.modelling.profiling.reading.exact_numbers import load_exactly
from pipeline.modelling.profiling.reading.inputs import Advance, Input
from waybill.json_pointers import with_pointer
from waybill.settings import get_settings

CHUNK_BYTES = 4 << 20
MAX_DOCUMENTS = 20_000
ANY_OBJECT = {"type": "object"}  # what every contract that is made from a profile asks for

Document = dict[str, Any]


@dataclass
class Tally:
    """The documents and the rejects of one input."""

    documents: int = 0
    rejected: int = 0
    first_reject: str | None = None

    def reject(self, reason: RejectReason, position: int) -> None:
        """Count a document that cannot be landed; keep the reason of the first one."""
        self.rejected += 1
        if self.first_reject is None:
            detail = with_pointer(reason.detail, reason.pointer)
            self.first_reject = f"document {position:,}: {reason.code}: {detail}"


@dataclass
class Pass:
    """One reading of all inputs. The tallies are complete when all chunks were taken."""

    inputs: Sequence[Input]
    advance: Advance
    tallies: list[Tally] = field(default_factory=list)

    def chunks(self) -> Generator[list[Document]]:
        """Yield the documents that can be landed, in lists that never hold much more than 4 MB of JSON."""
        max_bytes = get_settings().waybill_max_document_bytes
        check = Checker(Contract(ANY_OBJECT, ""), max_bytes, Counter()).check
        self.tallies = [Tally() for _ in self.inputs]
        chunk: list[Document] = []
        size = 0
        read: list[Input] = []  # those that the chunk has documents of: none is used before it is known to be unchanged
        for found, tally in zip(self.inputs, self.tallies, strict=True):
            read.append(found)
            for frame in found.frames(self.advance):
                if type(frame) is Reject:
                    tally.reject(frame.reason, frame.position)
                    continue
                position, _, raw = frame  # type: ignore[misc]
                document = _parsed(raw, max_bytes)
                if document is None and (reason := check(raw)):
                    tally.reject(reason, position)
                    continue
                chunk.append(load_exactly(raw) if document is None else document)
                tally.documents += 1
                size += len(raw)
                if size >= CHUNK_BYTES or len(chunk) >= MAX_DOCUMENTS:
                    _check_unchanged(read)
                    yield chunk
                    chunk, size, read = [], 0, [found]
        _check_unchanged(read)
        if chunk:
            yield chunk

    def file_profiles(self) -> tuple[FileProfile, ...]:
        """Return what was found in each input."""
        return tuple(
            FileProfile(
                path=found.path,
                name=found.name,
                layout=found.pattern.layout,
                records_at=found.pattern.records_at,
                documents=tally.documents,
                rejected=tally.rejected,
                first_reject=tally.first_reject,
            )
            for found, tally in zip(self.inputs, self.tallies, strict=True)
        )


def _check_unchanged(inputs: Sequence[Input]) -> None:
    for found in inputs:
        found.check_unchanged()


def _parsed(raw: bytes, max_bytes: int) -> Document | None:
    """Return a document that is certainly fit to be landed; None if it has to be looked at closer."""
    if b"\\u0000" in raw or len(raw) > max_bytes:
        return None
    try:
        document = orjson.loads(raw)
    except BaseException as error:  # what a document raises is its reject
        if not is_of_document(error):
            raise
        return None
    if not isinstance(document, dict):
        return None
    return load_exactly(raw, document)  # type: ignore[no-any-return]
