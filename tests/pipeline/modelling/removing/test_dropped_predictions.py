"""What the removed sample's tasks have in schema predictions goes with them, and nothing else does."""

from __future__ import annotations

from ml.prediction_tables.answers import make_answers_table
from pipeline.modelling.removing import sample
from tests.support.databases import rows
from tests.support.small.task import execute

RELATIONS = """
select relname::text from pg_class where relnamespace = 'predictions'::regnamespace and relkind in ('r', 'v')
"""


def relations() -> set[str]:
    return {name for (name,) in rows(RELATIONS)}


def test_dropping_takes_predictions_and_answers_of_the_tasks(database: str) -> None:
    for task in ("gone", "kept"):
        make_answers_table(task)
        execute(
            f"create table predictions.{task}_by_model (model_id uuid)",
            f"create view predictions.{task} as select * from predictions.{task}_by_model",
        )
    before = relations()
    sample._drop_predictions(["gone", "never_scored"])
    after = relations()
    assert before - after == {"gone", "gone_by_model", "gone_answers"}
