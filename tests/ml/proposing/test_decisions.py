"""Each column of a mart has a use and a reason: type, missing values, number of values, role."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ml.proposing.declaration import declaration
from ml.proposing.proposal import Proposal
from tests.ml.proposing.conftest import by_name

DECISIONS = {
    "order_id": ("key", "identifies the row"),
    "is_cancelled": ("label", "false 6"),
    "customer_id": ("categorical", "refers to marts.customers, 60 values"),
    "order_number": ("left out", "another value in every row"),
    "note": ("left out", "another value in every row"),
    "payload": ("left out", "jsonb: make columns of what matters in it"),
    "currency": ("left out", "the same value in every row"),
    "empty": ("left out", "null in every row"),
    "ordered_on": ("split", "rows are split by it (time)"),
    "updated_at": ("left out", "a time: derive numbers in the mart"),
    "rate": ("left out", "holds infinity"),
    "_batch_id": ("left out", "Waybill's own column"),
    "_position": ("left out", "Waybill's own column"),
}


@pytest.mark.parametrize(("name", "expected"), DECISIONS.items())
def test_a_column_has_a_use_and_a_reason(
    proposed: Callable[..., Proposal], name: str, expected: tuple[str, str]
) -> None:
    decision = by_name(proposed())[name]
    assert decision.use == expected[0]
    assert decision.reason.startswith(expected[1])


def test_every_column_is_decided_once(proposed: Callable[..., Proposal]) -> None:
    proposal = proposed()
    assert [one.column.name for one in proposal.decisions] == [one.name for one in proposal.mart.columns]


def test_the_rarer_value_is_positive_unless_named(proposed: Callable[..., Proposal]) -> None:
    assert proposed("was_called_off").label.positive == "yes"
    assert proposed("was_called_off", positive="no").label.positive == "no"
    assert proposed().label.positive == "true"
    assert proposed("channel").label.positive is None


def test_counts_are_those_of_all_rows(proposed: Callable[..., Proposal]) -> None:
    reason = by_name(proposed())["cancel_reason"].column
    assert (reason.rows, reason.distinct) == (900, 4)
    assert reason.missing == dict(zip(proposed().label.classes, proposed().label.rows, strict=True))["false"]


def test_a_class_that_is_too_small_is_left_out(proposed: Callable[..., Proposal]) -> None:
    label = proposed("rare", table="answers").label
    assert label.rare == {"once": 1}
    assert (label.positive, label.labelled) == ("often 1", 1499)
    written = declaration(proposed("rare", table="answers"), "waybill new-task")
    assert "rare_classes: leave_out\n" in written
    assert "once" not in written
