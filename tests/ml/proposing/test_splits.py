"""Rows are split by the one time of the mart, by whole groups, or at random; every set has every class."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import yaml

from ml.errors import ProposalRefused
from ml.proposing.declaration import declaration
from ml.proposing.proposal import Proposal
from ml.reading.frame import SET, read_rows
from ml.task import Task
from tests.support.databases import rows

SHARES = """
select count(*) filter (where {0} < %s), count(*) filter (where {0} >= %s and {0} < %s), count(*) from marts.orders
"""


def shares(proposal: Proposal) -> tuple[float, float]:
    first, second = proposal.split.validation_from, proposal.split.test_from
    [(training, validation, number)] = rows(SHARES.format(proposal.split.column), first, first, second)
    return training / number, validation / number


def test_the_one_event_time_splits_the_rows(proposed: Callable[..., Proposal]) -> None:
    split = proposed().split
    assert (split.kind, split.column) == ("time", "ordered_on")
    assert split.reasons[0] == "ordered_on is the only date without null besides updated_at"
    assert split.reasons[1].endswith("60%, 20% and 20% of the rows")
    assert shares(proposed()) == (pytest.approx(0.6, abs=0.01), pytest.approx(0.2, abs=0.01))


def test_a_named_time_with_a_zone_splits_by_its_day_in_utc(proposed: Callable[..., Proposal]) -> None:
    proposal = proposed(time="updated_at")
    assert isinstance(proposal.split.validation_from, date)
    assert shares(proposal) == (pytest.approx(0.6, abs=0.02), pytest.approx(0.2, abs=0.02))


def test_a_named_group_keeps_its_rows_together(proposed: Callable[..., Proposal]) -> None:
    split = proposed(group="customer_id").split
    assert (split.kind, split.column) == ("group", "customer_id")
    assert "60 groups" in split.reasons[0]


def test_groups_get_a_seed_that_gives_every_set_every_class(proposed: Callable[..., Proposal]) -> None:
    proposal = proposed("is_rare", table="grouped", group="team")
    assert proposal.split.seed > 1
    declared = Task.model_validate(yaml.safe_load(declaration(proposal, "waybill new-task")))
    found = read_rows(declared).groupby(["is_rare", SET]).size()
    assert {key: size >= (5 if key[1] == 0 else 1) for key, size in found.items()} == {
        (value, number): True for value in ("false", "true") for number in (0, 1, 2)
    }
    with pytest.raises(ProposalRefused, match="with none of 20 seeds every set has every class"):
        proposed("is_rare", table="grouped", group="league")


def test_a_foreign_key_that_repeats_is_a_hint(proposed: Callable[..., Proposal]) -> None:
    assert any("--group customer_id keeps the rows of each in one set" in one for one in proposed().split.reasons)


def test_without_a_time_rows_are_split_at_random(proposed: Callable[..., Proposal]) -> None:
    split = proposed("has_answer", table="answers").split
    assert split.kind == "random"
    assert split.reasons[0].startswith("no date or timestamp without null")


def test_several_times_are_named_and_none_is_guessed(proposed: Callable[..., Proposal]) -> None:
    split = proposed("is_big", table="two_times").split
    assert split.kind == "random"
    assert "several times (sent_on, paid_on): --time chooses one" in split.reasons[0]


def test_days_move_until_every_set_has_every_class(proposed: Callable[..., Proposal]) -> None:
    proposal = proposed("is_big", table="two_times", time="sent_on")
    first, second = proposal.split.validation_from, proposal.split.test_from
    days = [day for (day,) in rows("select sent_on from marts.two_times where is_big")]
    assert first is not None and second is not None
    assert any(day < first for day in days) and any(first <= day < second for day in days)
    assert any(day >= second for day in days)
