"""Puts a proposal together: the mart, its label, the split, what each column is used for, and the candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.errors import ProposalRefused
from ml.proposing.features import Decision, decide
from ml.proposing.labels import Label, read_label
from ml.proposing.mart import Mart, read_mart
from ml.proposing.splits import Split, best_split, split_by_group, split_by_time
from warehouse.connection import cursor_of

# Up to this many labelled rows → the candidates with their parameters: the more rows, the larger the leaves.
SMALL, MIDDLE = 5_000, 100_000
CANDIDATES: dict[int | None, dict[str, dict[str, Any]]] = {
    SMALL: {
        "dummy": {},
        "logistic_regression": {"C": 1.0, "max_iter": 500},
        "random_forest": {"n_estimators": 200, "min_samples_leaf": 3},
        "hist_gradient_boosting": {"learning_rate": 0.05, "max_iter": 100, "min_samples_leaf": 10},
    },
    MIDDLE: {
        "dummy": {},
        "logistic_regression": {"C": 1.0, "max_iter": 300},
        "random_forest": {"n_estimators": 100, "min_samples_leaf": 10},
        "hist_gradient_boosting": {"learning_rate": 0.1, "max_iter": 150, "min_samples_leaf": 50},
    },
    None: {
        "dummy": {},
        "logistic_regression": {"C": 0.1, "max_iter": 200},
        "random_forest": {"n_estimators": 40, "min_samples_leaf": 50, "max_samples": 0.3},
        "hist_gradient_boosting": {"learning_rate": 0.1, "max_iter": 150, "min_samples_leaf": 300},
    },
}


@dataclass(frozen=True)
class Asked:
    """What the user named: the task, its mart and label, and how rows are split if not as proposed."""

    name: str
    table: str
    label: str
    time: str | None = None
    group: str | None = None
    positive: str | None = None


@dataclass(frozen=True)
class Proposal:
    """A task as it is proposed, with the reason for each part."""

    asked: Asked
    mart: Mart
    label: Label
    split: Split
    decisions: tuple[Decision, ...]

    def features(self, use: str) -> list[Decision]:
        """Return the features that are used as `categorical` or `numeric`."""
        return [one for one in self.decisions if one.use == use]

    @property
    def candidates(self) -> dict[str, dict[str, Any]]:
        """The candidates with parameters that fit the number of labelled rows."""
        limit = next((one for one in CANDIDATES if one is not None and self.label.labelled <= one), None)
        return CANDIDATES[limit]


def propose(asked: Asked) -> Proposal:
    """Read the mart and propose a task.

    Raises:
        ProposalRefused: no task can be proposed from what the user named.
    """
    with cursor_of("trainer") as cursor:
        cursor.execute("set transaction isolation level repeatable read")  # all counts are of the same rows
        mart = read_mart(cursor, asked.table)
        label = read_label(cursor, mart, asked.label, asked.positive)
        split = _split(cursor, asked, mart, label)
        decisions = tuple(decide(cursor, mart, label, split))
    if not any(one.use in ("categorical", "numeric") for one in decisions):
        reasons = [f"{one.column.name}: {one.reason}" for one in decisions if one.use == "left out"]
        shown = f" ({'; '.join(reasons[:3])}{'; …' if len(reasons) > 3 else ''})" if reasons else ""
        raise ProposalRefused(
            f"no column of marts.{mart.name} is left as a feature{shown}: add columns to the mart that are known "
            f"before {label.column.name} is"
        )
    return Proposal(asked, mart, label, split, decisions)


def _split(cursor: Any, asked: Asked, mart: Mart, label: Label) -> Split:
    if asked.time and asked.group:
        raise ProposalRefused("--time and --group: name one of them, rows are split in one way")
    if asked.time:
        return split_by_time(cursor, mart, label, asked.time)
    if asked.group:
        return split_by_group(cursor, mart, label, asked.group)
    return best_split(cursor, mart, label)
