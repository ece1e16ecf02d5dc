"""Outcomes calculated in Python, for documents {id, value, changed, state}, to compare dbt's with."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Landed:
    """A landed document, with what the ledger says about its delivery."""

    document: dict[str, object]
    batch_id: UUID
    position: int
    fingerprint: UUID
    delivered_at: datetime

    @property
    def coordinate(self) -> tuple[str, int]:
        """Batch and position."""
        return str(self.batch_id), self.position


Outcome = tuple[str, tuple[str, int] | None]  # the outcome, and the coordinate of the document that survives instead


def expected_outcomes(landed: Sequence[Landed], *, has_version: bool) -> dict[tuple[str, int], Outcome]:
    """Return coordinate → outcome of castable documents; versions are whole numbers."""
    by_key = defaultdict(list)
    for document in landed:
        by_key[document.document["id"]].append(document)
    found: dict[tuple[str, int], Outcome] = {}
    for documents in by_key.values():
        # stable sorts, the least important criterion first
        if has_version:
            ranked = sorted(documents, key=lambda one: (one.batch_id, one.position))
            ranked.sort(key=lambda one: (one.document["changed"], one.fingerprint), reverse=True)
        else:
            ranked = sorted(documents, key=lambda one: (one.delivered_at, one.batch_id, one.position), reverse=True)
        found |= _outcomes_of_one_key(ranked)
    return found


def _outcomes_of_one_key(ranked: Sequence[Landed]) -> dict[tuple[str, int], Outcome]:
    first_of_value: dict[str, Landed] = {}
    found: dict[tuple[str, int], Outcome] = {}
    for number, one in enumerate(ranked):
        first = first_of_value.setdefault(json.dumps(one.document, sort_keys=True), one)
        if first is not one:
            found[one.coordinate] = ("duplicate", first.coordinate)
        elif number > 0:
            found[one.coordinate] = ("superseded", ranked[0].coordinate)
        else:
            found[one.coordinate] = ("filtered" if one.document.get("state") == "gone" else "current", None)
    return found
