"""Predictions, answers and figures of erased rows are deleted, those of other rows stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.api.data.answer_rows import add_rows
from ml.erasing.before import read_before
from ml.erasing.erase import count_left, erase_from_models
from ml.prediction_tables.answers import make_answers_table
from ml.score import score
from ml.train import train
from tests.ml.erasing.conftest import Erase
from tests.support.databases import rows
from tests.support.small.task import TASK, execute
from warehouse.connection import cursor_of
from waybill.identifiers import uuid7
from waybill.settings import get_settings

ANSWERS = "select key ->> 'row_id', features::text from predictions.small_answers order by answered_at, prediction_id"


def answer(key: str | None, *, days: int = 0, **features: Any) -> None:
    """Store an answer, so many days old, as the API does."""
    row = {
        "prediction_id": str(uuid7()),
        "answered_at": (datetime.now(UTC) - timedelta(days=days)).isoformat(),
        "model_id": str(uuid7()),
        "key": None if key is None else {"row_id": key},
        "features": features,
        "probability": 0.5,
        "is_predicted_positive": True,
    }
    with cursor_of("api") as cursor:
        add_rows(cursor, "small", [row])


def test_every_table_of_predictions_loses_erased_rows(task: Path, erase: Erase) -> None:
    train("small")
    score("small")
    execute(
        "insert into predictions.realised_predictions select 'small', model_id, row_id, array[0.5], now(),"
        " now() + interval '1 second' from predictions.small_by_model where row_id in ('r1', 'r9')",
    )
    assert rows("select count(*) > 0 from predictions.model_drift where task = 'small'") == [(True,)]
    execute("delete from marts.rows where row_id in ('r1', 'r2')")
    assert count_left(["rows"]) == {"predictions.small_by_model": 2, "predictions.realised_predictions": 1}
    execute("insert into marts.rows values ('r1', '2013-01-01', true, 'NE', 1)")
    erased = erase("row_id = 'r1'")
    assert erased.deleted == {"predictions.small_by_model": 2, "predictions.realised_predictions": 1}
    assert count_left(["rows"]) == {}
    assert rows("select count(*) from predictions.small_by_model") == [(598,)]
    assert rows("select key from predictions.realised_predictions") == [("r9",)]
    for figures in ("model_drift", "realised_figures"):
        assert rows(f"select count(*) from predictions.{figures} where task = 'small'") == [(0,)]
    train("small")
    score("small")
    assert rows("select count(*) > 0 from predictions.model_drift where task = 'small'") == [(True,)]


def test_predictions_of_rows_that_left_before_are_kept(task: Path, erase: Erase) -> None:
    train("small")
    score("small")
    make_answers_table("small")
    execute(
        "insert into predictions.realised_predictions select 'small', model_id, row_id, array[0.5], now(),"
        " now() + interval '1 second' from predictions.small_by_model where row_id in ('r1', 'r2')",
        "delete from marts.rows where row_id = 'r2'",  # as an undo does
    )
    answer("r1", delay=1, shop="SW")
    answer("r2", delay=1, shop="SW")
    erased = erase("row_id = 'r1'", keys=("r1",))
    kept = {f"predictions.{name}": 1 for name in ("small_by_model", "realised_predictions", "small_answers")}
    assert erased.deleted == erased.kept == kept == count_left(["rows"])
    assert rows("select key from predictions.realised_predictions") == [("r2",)]
    assert [key for key, _ in rows(ANSWERS)] == ["r2"]
    erased = erase("row_id in ('r3', 'r4')", keys=("r3",))  # r4 was made from the document, too: so may r2 have been
    assert erased.deleted["predictions.small_answers"] == 1 and erased.kept == {} == count_left(["rows"])


def test_answers_about_an_erased_row_are_deleted(task: Path, erase: Erase) -> None:
    train("small")
    make_answers_table("small")
    execute("update marts.rows set delay = 1000, shop = 'far' where row_id = 'r1'")
    execute("update marts.rows set delay = null, shop = null where row_id = 'r2'")
    answer("r1", delay=1, shop="SW")  # of an older version of the row
    answer("r3", delay=1, shop="SW")
    answer(None, delay=1000.0, shop="far")
    answer(None, delay=1000, shop="near")
    answer(None, delay=None, shop="")
    answer(None, delay=7.0, shop="NE")  # which other rows have, too
    erased = erase("row_id in ('r1', 'r2')")
    assert erased.deleted["predictions.small_answers"] == 3 and erased.unchecked == []
    assert [(key, "near" in features) for key, features in rows(ANSWERS)] == [
        ("r3", False), (None, True), (None, False),
    ]  # fmt: skip


def test_answers_to_older_models_are_compared_by_their_features(task: Path, erase: Erase) -> None:
    train("small")
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "categorical": []}))
    train("small")
    make_answers_table("small")
    execute("update marts.rows set delay = 1000, shop = 'far' where row_id = 'r1'")
    answer(None, delay=1000, shop="far")
    answer(None, delay=1000)
    assert erase("row_id = 'r1'").deleted["predictions.small_answers"] == 2


def test_an_answer_that_is_stored_late_is_deleted_by_scoring(task: Path, erase: Erase) -> None:
    train("small")
    make_answers_table("small")
    erase("row_id = 'r1'")
    execute(
        "insert into ledger.runs (run_id, command, versions) values (gen_random_uuid(), 'erase', '{}')",
        "insert into ledger.erasures (erasure_id, run_id, source, secret_check, keys, documents, rejects, models,"
        " completed_at) select gen_random_uuid(), run_id, 'rows', '', 1, 1, 0, 'keep-marked', now() from ledger.runs",
    )
    answer("r1", delay=1, shop="SW")
    answer("r1", days=2, delay=1, shop="SW")
    answer("r3", delay=1, shop="SW")
    train("small")
    score("small")
    assert sorted(key for key, _ in rows(ANSWERS)) == ["r1", "r3"]


def test_a_composite_key_is_compared_column_by_column(task: Path, erase: Erase) -> None:
    execute("alter table marts.rows add number bigint", "update marts.rows set number = substr(row_id, 2)::bigint % 7")
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "key": ["row_id", "number"]}))
    train("small")
    score("small")
    make_answers_table("small")
    answer("r1", delay=1, shop="SW")
    execute("update predictions.small_answers set key = key || '{\"number\": 1.0}'")
    erased = erase("row_id = 'r1'")
    assert erased.deleted["predictions.small_by_model"] == 1 and [model.rows for model in erased.models] == [1]
    assert rows(ANSWERS) == []


def test_predictions_of_an_undeclared_task_are_erased(task: Path, erase: Erase) -> None:
    model_id = train("small").manifest["model_id"]
    score("small")
    (ml.task.TASKS / "small.yml").unlink()
    erased = erase("row_id = 'r1'", "refuse")
    assert erased.deleted["predictions.small_by_model"] == 1
    assert [(model.model_id, model.rows, model.is_refused) for model in erased.models] == [(model_id, 1, True)]


def test_what_cannot_be_compared_is_named(task: Path, erase: Erase) -> None:
    train("small")
    score("small")
    execute("drop table marts.rows cascade")
    erased = erase.go_on()
    assert erased.unchecked == ["predictions and models of small: marts.rows is missing, or has another key than they"]


@pytest.mark.parametrize("is_kept", [True, False])
def test_an_erasure_continues_after_dbt_has_followed_it(task: Path, erase: Erase, is_kept: bool) -> None:
    train("small")
    score("small")
    execute("delete from marts.rows where row_id = 'r9'")  # which nobody erased
    read_before(erase.erasure.erasure_id, ["rows"])
    execute(
        "delete from marts.rows where row_id in ('r1', 'r2')",
        f"insert into intermediate.processed_batches values ('rows', '{erase.erasure.erasure_id}')",
    )
    if not is_kept:
        (kept,) = Path(get_settings().state_folder, "erasing").iterdir()
        kept.unlink()
    before = read_before(erase.erasure.erasure_id, ["rows"])
    (mark,) = erase_from_models(erase.erasure, before).models
    assert (mark.rows, mark.is_exact) == ((2, True) if is_kept else (3, False))
    again = erase_from_models(erase.erasure, read_before(erase.erasure.erasure_id, ["rows"]))
    assert [(one.rows, one.is_exact) for one in again.models] == [(mark.rows, mark.is_exact)]
