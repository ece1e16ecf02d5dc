# waybill: sample
"""Keys erased at random, among loads and undos, leave the marts of a warehouse that never saw them (P1, P5)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from loader.erasing.keys import KeyTypes, joined
from loader.undo.undo import undo
from pipeline.accounting import accounting
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.dbt_project.test_random_undo import Batch, some_batches
from tests.support.databases import rows
from tests.support.dbt_command import Dbt
from tests.support.erasing import erase
from tests.support.landing import Document, land, make_empty
from tests.support.small.documents import land_reference_data
from tests.support.small.marts import update
from warehouse.connection import engine
from waybill.json_pointers import split_pointer

ERASED, UNDONE = 14, 5
SEED = 20133
KEY_TYPES: dict[str, KeyTypes] = {
    "airlines": [("/carrier", "text")],
    "airports": [("/faa", "text")],
    "aircraft": [("/tail_number", "text")],
    "weather": [("/station/airport", "text"), ("/date", "date")],
    "flights": [
        ("/airline/code", "text"),
        ("/flight_number", "integer"),
        ("/origin/airport", "text"),
        ("/scheduled/date", "date"),
    ],
}


def hashes() -> dict[str, MartHash]:
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def key_of(source: str, document: Document) -> str:
    """Return the key of a document whose values are spelled as dbt spells them."""
    parts: list[tuple[str | None, bool]] = []
    for pointer, kind in KEY_TYPES[source]:
        value: Any = document
        for name in split_pointer(pointer):
            value = value[name]
        parts.append((str(value), kind == "date"))
    return joined(parts)


def keys_in(batches: Sequence[Batch]) -> list[tuple[str, str]]:
    return sorted({(source, key_of(source, document)) for source, documents in batches for document in documents})


@pytest.mark.parametrize("seed", [SEED])
def test_erased_keys_leave_marts_that_never_saw_them(dbt: Dbt, seed: int) -> None:
    dice = random.Random(seed)
    land_reference_data()
    batches = some_batches(dice)
    half = len(batches) // 2
    landed = [land(source, *documents) for source, documents in batches[:half]]
    dbt.succeed("run")
    landed += [land(source, *documents) for source, documents in batches[half:]]
    erased = dice.sample(keys_in(batches), ERASED)
    undone = dice.sample(range(len(batches)), UNDONE)
    for step in dice.sample([*erased, *undone], ERASED + UNDONE):
        _take_away(step, landed)
        if dice.random() < 0.15:
            update(dbt)
    dbt.succeed("build", "--exclude-resource-type", "unit_test")
    incremental = hashes()

    with engine("reader").connect() as connection:
        assert all(account.is_balanced for account in accounting(connection))
    assert rows("select count(*) from intermediate.document_outcomes where outcome = 'undone'") == [(0,)]
    for source, key in erased:
        assert (key,) not in rows(f"select document_key from intermediate.int_{source}_deduplicated")
    dbt.succeed("run", "--full-refresh")
    assert hashes() == incremental

    make_empty()
    land_reference_data()
    for number, (source, documents) in enumerate(batches):
        left = [document for document in documents if (source, key_of(source, document)) not in erased]
        if number not in undone and left:
            land(source, *left)
    for source, key in erased:  # of the reference data
        erase(key, name=source, key_types=KEY_TYPES[source])
    dbt.succeed("run")
    assert hashes() == incremental


def _take_away(step: Any, landed: Sequence[UUID]) -> None:
    if isinstance(step, int):
        assert undo(str(landed[step]))
    else:
        source, key = step
        erase(key, name=source, key_types=KEY_TYPES[source])
