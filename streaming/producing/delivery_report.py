"""What became of the documents that a producer sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_REASONS = 3


@dataclass
class DeliveryReport:
    """How many documents were sent, acknowledged and failed, with each partition's offsets and the first reasons.

    `unreadable` counts byte ranges of the files that are not a single document and are not sent.
    """

    sent: int = 0
    acknowledged: int = 0
    unreadable: int = 0
    failed: int = 0
    offsets: dict[int, tuple[int, int]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def acknowledge(self, metadata: Any) -> None:
        """Count an acknowledged document and extend its partition's range of offsets."""
        self.acknowledged += 1
        first, last = self.offsets.get(metadata.partition, (metadata.offset, metadata.offset))
        self.offsets[metadata.partition] = (min(first, metadata.offset), max(last, metadata.offset))

    def fail(self, coordinate: str, error: BaseException) -> None:
        """Count a failed document and keep the reason if it is one of the first."""
        self.failed += 1
        if self.failed <= MAX_REASONS:
            self.reasons.append(f"{coordinate}: {error}")

    @property
    def summary(self) -> str:
        """One line for a person."""
        ranges = ", ".join(
            f"partition {number}: {low} to {high}" for number, (low, high) in sorted(self.offsets.items())
        )
        return f"sent {self.sent:,}, acknowledged {self.acknowledged:,}; offsets {ranges or 'none'}"
