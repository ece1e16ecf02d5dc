"""A reading: how the documents of a file's content are found. It is part of what the ledger knows of a content."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from loader.declarations import FilePattern


@dataclass(frozen=True, slots=True)
class Reading:
    """A layout and, for records, the JSON pointer to them; None if an older Waybill read the file and kept none."""

    layout: str
    records_at: str | None = None

    def __str__(self) -> str:
        """Return words for a message."""
        return f"{self.layout} at {self.records_at}" if self.records_at else self.layout

    @property
    def flags(self) -> str:
        """The flags of `waybill load` that ask for it."""
        at = f" --records-at {shlex.quote(self.records_at)}" if self.records_at else ""
        return f"--layout {self.layout}{at}"

    def allows(self, wanted: Reading) -> bool:
        """Return whether a content that was read so may be read on as wanted: the pointer may be unknown."""
        return self.layout == wanted.layout and self.records_at in (wanted.records_at, None)


def reading_of(pattern: FilePattern) -> Reading:
    """Return the reading that a pattern asks for."""
    return Reading(pattern.layout, (pattern.records_at or "") if pattern.layout == "records" else None)
