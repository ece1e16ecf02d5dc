"""Compares the digests of training rows by batch: which batches gained, lost or changed rows since training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.checking.training_rows import NO_BATCH
from waybill.text import counted

Digests = dict[str, dict[str, Any]]  # batch → rows and digest, as a manifest has them


@dataclass(frozen=True)
class BatchChange:
    """A batch whose training rows have changed: its number of them at training and now, and its name for people."""

    batch_id: str
    name: str
    rows_at_training: int
    rows_now: int

    def __str__(self) -> str:
        """Return the batch and what became of its training rows."""
        more = self.rows_now - self.rows_at_training
        if more > 0:
            what = f"{counted(more, 'row')} added"
        elif more < 0:
            what = f"{counted(-more, 'row')} removed"
        else:
            what = f"some of {counted(self.rows_now, 'row')} changed"
        left = f", {self.rows_at_training:,} before" if more > 0 and self.rows_at_training else ""
        left = f", {self.rows_now:,} left" if more < 0 and self.rows_now else left
        return f"{self.name or 'rows without a batch'}: {what}{left}"


def compare_batches(learnt_from: Digests, now: Digests, names: dict[str, str]) -> list[BatchChange]:
    """Return the batches whose training rows differ, the largest change of their number first.

    A row belongs to the batch of its document, so a row whose document was replaced leaves one batch for another.
    """
    nothing = {"rows": 0, "digest": ""}
    found = []
    for batch in {**learnt_from, **now}:
        before, after = learnt_from.get(batch, nothing), now.get(batch, nothing)
        if before["digest"] != after["digest"]:
            name = "" if batch == NO_BATCH else names.get(batch, f"batch {batch}")
            found.append(BatchChange(batch, name, before["rows"], after["rows"]))
    return sorted(found, key=lambda one: (-abs(one.rows_now - one.rows_at_training), one.name, one.batch_id))
