# waybill: sample
"""Random batches that are undone in a random order leave the marts of a warehouse that never saw them (P1, P5)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from loader.undo.undo import undo
from ml.checking.training_rows import find_changed_batches, hash_training_rows
from ml.task import read_task
from pipeline.accounting import accounting
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.databases import rows
from tests.support.dbt_command import Dbt
from tests.support.landing import Document, land, make_empty
from tests.support.small.documents import aircraft, airline, airport, flight, land_reference_data
from tests.support.small.documents import weather as observations
from tests.support.small.marts import update
from warehouse.connection import engine

Batch = tuple[str, list[Document]]
UNDONE = 20
SEED = 20131


def hashes() -> dict[str, MartHash]:
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def some_batches(dice: random.Random) -> list[Batch]:
    """Return batches in which keys, versions, withdrawals, carriers and airports overlap."""
    return [*(_some_batch(dice, "flights") for _ in range(16)), *(_some_batch(dice) for _ in range(16))]


def _some_batch(dice: random.Random, source: str = "") -> Batch:
    source = source or dice.choice(["airlines", "airports", "aircraft", "weather"])
    return source, [_some_document(dice, source) for _ in range(dice.randint(1, 4))]


def _some_document(dice: random.Random, source: str) -> Document:
    version: Any = {"updated_at": f"2013-03-{dice.randint(1, 4):02}T00:00:00Z"}
    carrier, tail, place = dice.choice(["UA", "AA", "ZZ"]), f"N{dice.randint(1, 4)}", dice.choice(["IAH", "ORD", "ZZZ"])
    if source == "airlines":
        return airline(carrier) | version
    if source == "airports":
        return airport(place, dice.choice(["America/Chicago", "America/Denver"]), **version)
    if source == "aircraft":
        return aircraft(tail, airframe__seats=dice.randint(100, 102), **version)
    if source == "weather":
        return observations(dice.randint(2, 4), *dice.sample(range(5, 10), dice.randint(1, 3)), **version)
    late = dice.choice([0, 30])
    return flight(
        dice.randint(1, 5), dice.randint(2, 4),
        airline__code=carrier, aircraft__tail_number=tail, destination__airport=place,
        delays__arrival_minutes=late, actual__arrival=819 + late,
        **version, **({"status": "withdrawn"} if dice.random() < 0.1 else {}),
    )  # fmt: skip


@pytest.mark.parametrize("seed", [SEED])
def test_undone_batches_leave_marts_that_never_saw_them(dbt: Dbt, seed: int) -> None:
    dice = random.Random(seed)
    task = read_task("flight_delays").task
    land_reference_data()
    batches = some_batches(dice)
    landed = [land(source, *documents) for source, documents in batches]
    dbt.succeed("run")
    learnt_from = hash_training_rows(task).batches
    undone = dice.sample(range(len(batches)), UNDONE)
    for number in undone:
        assert undo(str(landed[number]))
        if dice.random() < 0.15:
            update(dbt)
    dbt.succeed("build", "--exclude-resource-type", "unit_test")
    incremental = hashes()

    with engine("reader").connect() as connection:
        assert all(account.is_balanced for account in accounting(connection))
    assert rows("select count(*) from intermediate.document_outcomes where outcome = 'undone'") == [(0,)]
    changed = find_changed_batches(learnt_from, hash_training_rows(task).batches)
    assert changed and all(name.endswith(" (removed)") for name in changed)
    dbt.succeed("run", "--full-refresh")
    assert hashes() == incremental

    make_empty()
    land_reference_data()
    for number, (source, documents) in enumerate(batches):
        if number not in undone:
            land(source, *documents)
    dbt.succeed("run")
    assert hashes() == incremental
