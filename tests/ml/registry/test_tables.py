"""Predictions of several models stay side by side, and the view has those of the current one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.errors import TableInUse
from ml.registry.history import PROMOTE, changing, make_current
from ml.registry.model_bytes import sealed
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.small.orders_task import CHANNELS, make_orders
from tests.support.small.task import TASK, execute

VIEW = ["row_id", "model_id", "probability", "is_predicted_positive", "is_stale", "scored_at"]
COLUMNS = """
select array_agg(attname::text order by attnum) from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
BY_MODEL = "select model_id, count(*)::int from predictions.small_by_model group by 1 order by 1"


def columns(relation: str) -> list[str]:
    return list(rows(COLUMNS, relation)[0][0])


def retrained(**changes: Any) -> str:
    """Train the small task again with a changed declaration; return the model's id."""
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, **changes}))
    return str(train("small").manifest["model_id"])


def test_the_view_has_the_current_models_rows(task: Path) -> None:
    first = retrained()
    score("small")
    assert columns("predictions.small") == VIEW
    assert columns("predictions.small_by_model") == [
        "row_id", "model_id", "is_stale", "scored_at", "probability", "is_predicted_positive"
    ]  # fmt: skip
    second = retrained(seed=2)
    assert rows("select distinct model_id::text from predictions.small") == [(first,)], "until it has been scored"
    assert "the challenger" not in score("small").summary
    assert rows("select distinct model_id::text from predictions.small") == [(second,)]
    assert rows(BY_MODEL) == [(first, 600), (second, 600)]
    assert score("small").summary.startswith("nothing new")


def test_a_view_of_a_converted_table_gets_the_last_check(task: Path) -> None:
    model_id = retrained()
    score("small")
    execute(
        f"create or replace view predictions.small as select {', '.join(VIEW)} from predictions.small_by_model"
        f" where model_id = '{model_id}'::uuid"
    )
    score("small")
    execute("update predictions.model_checks set is_stale = true")
    assert rows("select distinct is_stale from predictions.small") == [(True,)]


def test_current_and_challenger_are_scored_when_rows_change(task: Path) -> None:
    first, second = retrained(), retrained(seed=2)
    execute("update marts.rows set delay = 99 where row_id = 'r119'")
    assert f"600 predictions of {second}, 600 predictions of the challenger {first}" in score("small").summary
    assert score("small").rows == 0
    execute("update marts.rows set delay = 98 where row_id = 'r119'")
    assert score("small").rows == 600
    assert rows(BY_MODEL) == [(first, 600), (second, 600)]


def test_a_broken_challenger_is_named_and_stops_nothing(task: Path) -> None:
    first, second = retrained(), retrained(seed=2)
    (task / first / "model.joblib").write_bytes(b"")
    summary = score("small").summary
    assert f"600 predictions of {second}; the challenger was not scored: " in summary
    assert "model.joblib is not the file that was saved" in summary


def test_rows_of_the_last_seven_models_are_kept(task: Path) -> None:
    models = []
    for seed in range(9):
        models.append(retrained(seed=seed))
        score("small")
    assert [name for name, _ in rows(BY_MODEL)] == models[2:]
    with changing("small") as history:
        make_current("small", history, models[2], PROMOTE)
    models.append(retrained(seed=99))
    score("small")
    assert [name for name, _ in rows(BY_MODEL)] == [models[2], *models[4:]]


@pytest.fixture
def declare(task: Path) -> Callable[..., str]:
    """Make the table of orders; return what declares a task on it, trains and scores, and returns the model's id."""
    make_orders()
    execute("alter table marts.orders add column is_web boolean", "update marts.orders set is_web = channel = 'web'")

    def declare_channels(**changes: Any) -> str:
        (ml.task.TASKS / "channels.yml").write_text(yaml.safe_dump({**CHANNELS, **changes}))
        model_id = str(train("channels").manifest["model_id"])
        score("channels")
        return model_id

    return declare_channels


def test_other_classes_add_columns_and_lose_no_row(declare: Callable[..., str]) -> None:
    binary = declare(label="is_web")
    several = declare()
    execute("update marts.orders set channel = 'Drive In' where amount > 20", "create role r16 nologin",
            "grant select on predictions.channels to r16 with grant option",
            "grant select (model_id) on predictions.channels to r16")  # fmt: skip
    more = declare()
    kept = rows(
        "select model_id::text, count(*)::int, count(probability)::int, count(probability_web)::int,"
        " count(probability_drive_in)::int from predictions.channels_by_model group by 1 order by 1"
    )
    assert kept == [(binary, 300, 300, 0, 0), (several, 300, 0, 300, 0), (more, 300, 0, 300, 300)]
    assert "probability_drive_in" in columns("predictions.channels")
    assert "probability" not in columns("predictions.channels")
    granted = "has_table_privilege('r16', 'predictions.channels', 'select with grant option')"
    try:
        assert rows(f"select {granted}") == [(True,)]
    finally:
        execute("drop owned by r16", "drop role r16")
    for role in ("reader", "loader"):
        assert rows(f"select has_table_privilege('waybill_{role}', 'predictions.channels', 'select')") == [(True,)]


def test_rows_of_another_key_replace_the_table(declare: Callable[..., str]) -> None:
    declare()
    execute("alter table marts.orders add column id text", "update marts.orders set id = order_id || '-' || line",
            "grant select on predictions.channels to public")  # fmt: skip
    declare(key="id")
    assert columns("predictions.channels")[:3] == ["id", "model_id", "predicted_label"]
    assert rows("select count(*) from predictions.channels") == [(300,)]
    granted = "select count(*) from pg_class, aclexplode(relacl) where oid = 'predictions.channels'::regclass"
    assert rows(f"{granted} and grantee = 0") == [(1,)]
    execute("create view public.mine as select id from predictions.channels")
    with pytest.raises(TableInUse, match=r"but view public\.mine depends on .*: drop that, then `make score`"):
        declare()
    assert columns("predictions.channels")[0] == "id"


def test_a_model_predicts_with_the_features_that_it_learnt(task: Path) -> None:
    first = retrained()
    manifest = json.loads((task / first / "manifest.json").read_text())
    types = {"feature_types": {"shop": "category", "delay": "number"}}
    (task / first / "manifest.json").write_text(json.dumps(sealed({**manifest, **types})))
    second = retrained(numeric=[], seed=5)
    with changing("small") as history:
        make_current("small", history, first, PROMOTE)
    assert score("small").rows == 600
    assert rows(BY_MODEL) == [(first, 600), (second, 600)]
    assert rows("select count(distinct probability) > 10 from predictions.small") == [(True,)]
