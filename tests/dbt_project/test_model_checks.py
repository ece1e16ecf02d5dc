# waybill: sample
"""dbt alone marks the checks of models whose mart it has written, and an undo marks all at once."""

from __future__ import annotations

import pytest

from loader.undo.undo import undo
from tests.support.dbt_command import Dbt, execute, query
from tests.support.landing import land
from tests.support.small.documents import airline, airport

SELECTED = ("+dim_airlines", "+dim_airports")
MARKED = "select mart from predictions.model_checks where is_outdated order by mart"
CHECK = """
truncate predictions.model_checks;
insert into predictions.model_checks (task, model_id, mart, is_stale, training_digest, table_digest, table_state)
select mart, gen_random_uuid(), mart, false, '', '', predictions.table_state(mart)
from unnest(array['dim_airlines', 'dim_airports']) as mart
"""


@pytest.fixture
def checked(dbt: Dbt) -> Dbt:
    """Two marts, each with a task whose check is fresh."""
    land("airlines", airline("UA"), airline("AA"))
    land("airports", airport("ORD", "America/Chicago"))
    run(dbt)
    execute(CHECK)
    return dbt


def run(dbt: Dbt) -> None:
    dbt.succeed("run", "--select", *SELECTED)


def test_a_run_marks_the_checks_of_the_marts_that_it_wrote(checked: Dbt) -> None:
    run(checked)
    assert query(MARKED) == []
    land("airlines", airline("UA"))  # a duplicate: no row changes
    run(checked)
    assert query(MARKED) == []
    land("airlines", airline("ZZ"))
    run(checked)
    assert query(MARKED) == ["dim_airlines"]


def test_an_undo_marks_at_once_and_the_run_after_it_too(checked: Dbt) -> None:
    batch = land("airlines", airline("ZZ"))
    run(checked)
    execute(CHECK)
    assert undo(str(batch), dry_run=True)
    assert query(MARKED) == []
    assert undo(str(batch))
    assert query(MARKED) == ["dim_airlines", "dim_airports"], "a mart may depend on more than the batches it records"
    execute(CHECK)
    run(checked)  # deletes the row
    assert query(MARKED) == ["dim_airlines"]


WITHOUT_CHECKS = {
    "no table": (
        "alter table predictions.model_checks rename to moved",
        "alter table predictions.moved rename to model_checks",
    ),
    "no schema": ("alter schema predictions rename to moved", "alter schema moved rename to predictions"),
    "no right to the schema": (
        "revoke usage on schema predictions from waybill_transformer",
        "grant usage on schema predictions to waybill_transformer",
    ),
}


@pytest.mark.parametrize(("taken_away", "given_back"), WITHOUT_CHECKS.values(), ids=WITHOUT_CHECKS)
def test_a_run_without_checks_succeeds(dbt: Dbt, taken_away: str, given_back: str) -> None:
    land("airlines", airline("UA"))
    execute(taken_away)
    try:
        dbt.succeed("run", "--select", "+dim_airlines")
    finally:
        execute(given_back)
