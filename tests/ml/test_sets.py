"""The sets of a split depend on the rows' values only; groups stay whole, classes are divided in proportion (P7)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import sql

from ml.checking.training_rows import hash_training_rows
from ml.reading.frame import SET, read_rows
from ml.sets import set_of
from ml.task import Task
from tests.support.small.task import TASK, execute
from warehouse.connection import connect

TYPES = {"id": "bigint", "part": "date", "cuisine": "text", "cafe": "text", "at": "timestamp with time zone"}
ROW = st.tuples(st.dates(), st.sampled_from(["thai", "greek", "fusion", "", None]), st.text("abcé", max_size=2))
DAY = st.dates(date(2024, 1, 1), date(2024, 3, 31))


def sets_of(rows: list[tuple[Any, ...]], split: dict[str, Any], seed: int = 1) -> dict[Any, int | None]:
    """Return id → set of rows of id, part, cuisine, cafe and time."""
    task = Task.model_validate(
        {**TASK, "key": ["id", "part"], "label": "cuisine", "split": split, "seed": seed, "threshold": None}
    )
    one = "(%s::bigint, %s::date, %s::text, %s::text, %s::timestamptz)"
    values = sql.SQL(", ".join([one] * len(rows)))
    statement = sql.SQL("select id, {} from (values {}) as rows (id, part, cuisine, cafe, at)")
    connection = connect("trainer")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement.format(set_of(task, TYPES), values), [value for row in rows for value in row])
            return dict(cursor.fetchall())
    finally:
        connection.close()


def with_ids(rows: list[tuple[Any, ...]], at: datetime | None = None) -> list[tuple[Any, ...]]:
    return [(number, *row, at) for number, row in enumerate(rows)]


@given(rows=st.lists(ROW, min_size=1, max_size=60), seed=st.integers(0, 2**32 - 1), data=st.data())
@pytest.mark.usefixtures("module_database")
def test_random_sets_are_stratified_and_independent_of_order(
    rows: list[tuple[Any, ...]], seed: int, data: st.DataObject
) -> None:
    split = {"validation_share": 0.25, "test_share": 0.2}
    numbered = with_ids(rows)
    found = sets_of(numbered, split, seed)
    assert sets_of(data.draw(st.permutations(numbered)), split, seed) == found
    for cuisine in {row[2] for row in numbered}:
        of_class = [found[row[0]] for row in numbered if row[2] == cuisine]
        if not cuisine:
            assert set(of_class) == {None}
            continue
        for number, share in ((1, 0.25), (2, 0.2)):
            if len(of_class) > 2:
                assert abs(of_class.count(number) - share * len(of_class)) <= 1
                assert of_class.count(number) >= 1


@given(rows=st.lists(ROW, min_size=1, max_size=60), seed=st.integers(0, 2**32 - 1), data=st.data())
@pytest.mark.usefixtures("module_database")
def test_groups_stay_whole_whatever_other_rows_there_are(
    rows: list[tuple[Any, ...]], seed: int, data: st.DataObject
) -> None:
    split = {"group_column": "cafe"}
    numbered = with_ids(rows)
    found = sets_of(numbered, split, seed)
    of_groups: dict[str, set[int | None]] = {}
    for number, _, _, cafe, _ in numbered:
        of_groups.setdefault(cafe, set()).add(found[number])
    assert all(len(sets) == 1 and sets <= {0, 1, 2} for sets in of_groups.values())
    some = data.draw(st.lists(st.sampled_from(numbered), min_size=1, unique_by=lambda row: row[0]))
    assert sets_of(some, split, seed) == {row[0]: found[row[0]] for row in some}


@pytest.mark.usefixtures("module_database")
def test_shares_are_kept_and_another_seed_divides_otherwise() -> None:
    rows = with_ids([(date(2024, 1, 1), "thai", f"cafe {number}") for number in range(2000)])
    for split in ({}, {"group_column": "cafe"}):
        found = sets_of(rows, split)
        for number in (1, 2):
            assert abs(list(found.values()).count(number) - 400) < 80
        assert sets_of(rows, split, seed=2) != found


@given(days=st.lists(st.one_of(st.none(), DAY), min_size=1, max_size=20))
@pytest.mark.usefixtures("module_database")
def test_days_divide_times_of_any_zone_in_utc(days: list[date | None]) -> None:
    split = {"time_column": "at", "validation_from": "2024-02-01", "test_from": "2024-03-01"}
    times = [day and datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC) for day in days]
    rows = [(number, date(2024, 1, 1), "thai", "a", time) for number, time in enumerate(times)]
    expected = [day and (day >= date(2024, 2, 1)) + (day >= date(2024, 3, 1)) for day in days]
    assert list(sets_of(rows, split).values()) == expected


OLD_HASH = """
select count(*) filter (where is_training_row), sum(first) filter (where is_training_row)::text,
    sum(second) filter (where is_training_row)::text
from (
    select hashtextextended(content, 0) as first, hashtextextended(content, 1) as second, is_training_row
    from (
        select row(row_id, on_date, is_late, shop, delay)::text as content,
            is_late is not null and on_date < '2013-04-01' as is_training_row
        from marts.rows
    ) as row_texts
) as row_hashes
"""


@pytest.mark.parametrize("split", [TASK["split"], {"group_column": "on_date"}, {}], ids=["time", "group", "random"])
@pytest.mark.usefixtures("task")
def test_the_hash_covers_the_rows_that_training_reads(split: dict[str, Any]) -> None:
    task = Task.model_validate({**TASK, "split": split})
    hashed, frame = hash_training_rows(task), read_rows(task)
    learnt = frame[frame["is_late"].notna() & frame[SET].between(0, 1)]
    assert hashed.rows == len(learnt)
    execute(f"update marts.rows set delay = 99 where row_id = '{learnt['row_id'].iloc[0]}'")
    changed = hash_training_rows(task)
    assert changed.digest != hashed.digest
    of_test = frame[frame["is_late"].notna() & (frame[SET] == 2)]
    execute(f"update marts.rows set delay = 99 where row_id = '{of_test['row_id'].iloc[0]}'")
    assert hash_training_rows(task).digest == changed.digest
    assert hash_training_rows(task).table_digest != changed.table_digest


@pytest.mark.usefixtures("task")
def test_the_hash_of_a_split_by_time_is_that_of_older_models() -> None:
    import hashlib

    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(OLD_HASH)
        sums = cursor.fetchone()
    connection.close()
    digest = hashlib.sha256(" ".join(map(str, sums or ())).encode()).hexdigest()
    assert hash_training_rows(Task.model_validate(TASK)).digest == digest
