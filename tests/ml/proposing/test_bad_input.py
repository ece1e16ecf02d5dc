"""What cannot become a task is refused in one line that says what, where and what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ml.errors import ProposalRefused
from ml.proposing.proposal import Proposal

REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "an unknown table": ({"table": "order"}, "there is no table marts.order: did you mean orders?"),
    "another schema": ({"table": "raw.orders"}, "there is no table marts.raw.orders: did you mean orders"),
    "an empty table": ({"table": "no_rows", "label": "label"}, "marts.no_rows has no rows: load documents and build"),
    "a table without a key": ({"table": "no_key", "label": "label"}, "marts.no_key has no primary key, and no text or"),
    "an unknown label": ({"label": "is_canceled"}, "marts.orders has no such column: did you mean is_cancelled"),
    "a constant label": ({"table": "answers", "label": "always"}, "label always of marts.answers is constant"),
    "a label of true and null": ({"table": "answers", "label": "only_true"}, "null means that the answer is unknown"),
    "a label that is null": ({"table": "answers", "label": "unknown"}, "is null in all 1,500 rows"),
    "a unique label": ({"label": "note"}, "label note of marts.orders is different in each of its 900 rows"),
    "500 classes": ({"table": "answers", "label": "size"}, "has 500 classes, and a task has at most 50"),
    "100 classes": ({"table": "answers", "label": "kind"}, "has 100 classes, and a task has at most 50"),
    "a class of one row": ({"table": "answers", "label": "lone"}, "class 'once' has 1 row, but each needs 7, and fewer than two classes are"),
    "a label of uuids": ({"label": "_batch_id"}, "is uuid, but a label must be boolean, text or integer"),
    "a jsonb label": ({"label": "payload"}, "is jsonb, but a label must be boolean, text or integer"),
    "a float label": ({"label": "paid"}, "is double precision, but a label must be boolean, text or integer"),
    "a numeric label": ({"label": "amount"}, "is numeric, but a label must be"),
    "a time as label": ({"label": "updated_at"}, "is timestamp with time zone, but a label must be"),
    "the key as label": ({"label": "order_id"}, "is part of the key"),
    "an unknown time": ({"time": "ordered"}, "--time ordered: marts.orders has no such column: did you mean ordered_on"),
    "a time of text": ({"time": "city"}, "is text, but rows can only be split by a date or timestamp: cast it"),
    "a time without labels": ({"time": "cancelled_at"}, "is null in all rows of class 'false'"),
    "an unknown group": ({"group": "customer"}, "--group customer: marts.orders has no such column: did you mean cust"),
    "a group of null": ({"group": "cancel_reason"}, "with a label, so these belong to no group"),
    "a group a row": ({"group": "note"}, "has another value in each row"),
    "one group": ({"group": "currency"}, "has only 1 value"),
    "a jsonb group": ({"group": "payload"}, "is jsonb, which names no group"),
    "two splits": ({"time": "ordered_on", "group": "city"}, "name one of them"),
    "no feature": ({"table": "only_leaks", "label": "label"}, "no column of marts.only_leaks is left as a feature (copied: leak"),
    "an unknown positive": ({"label": "was_called_off", "positive": "maybe"}, "has no such value: choose no or yes"),
    "a positive of three": ({"label": "channel", "positive": "web"}, "has 3 classes, and only one of two can be positive"),
    "false as positive": ({"positive": "false"}, "is boolean, so true is the positive value"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_proposed_is_refused_in_one_line(
    proposed: Callable[..., Proposal], given: dict[str, str], message: str
) -> None:
    with pytest.raises(ProposalRefused) as raised:
        proposed(**given)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


ACCEPTED: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "the schema before the table": ({"table": "marts.orders"}, ("false", "true")),
    "an integer label": ({"table": "answers", "label": "week"}, ("1", "2", "0", "3", "4", "5", "6")),
    "an integer label with two values": ({"table": "answers", "label": "half"}, ("0", "1")),
    "a class of one row beside two": ({"table": "answers", "label": "rare"}, ("often 0", "often 1")),
    "empty texts": ({"table": "answers", "label": "blank"}, ("a", "b")),
    "a view": ({"table": "a_view"}, ("false", "true")),
}


@pytest.mark.parametrize(("given", "classes"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_looks_odd_is_accepted(
    proposed: Callable[..., Proposal], given: dict[str, str], classes: tuple[str, ...]
) -> None:
    found = proposed(**given).label.classes
    assert sorted(found) == sorted(classes)
