"""Lists the rejects that are open: neither landed nor replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from warehouse.connection import cursor_of

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
    """One reject with its coordinate. `beginning` holds the first 64 KB or, if the reject is smaller, all bytes."""

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

    @property
    def is_complete(self) -> bool:
        """True if the ledger kept all of the reject's bytes."""
        return len(self.beginning) == self.length


def list_rejects(only: str | None = None, only_reason: str | None = None) -> Iterator[ListedReject]:
    """Yield the open rejects in the order of source, input and position."""
    with cursor_of("reader", "rejects") as cursor:
        cursor.execute(REJECTS, {"source": only, "reason": only_reason})
        for source, name, position, reason, detail, pointer, beginning, *others in cursor:
            yield ListedReject(source, name, position, reason, detail, pointer, bytes(beginning), *others)
