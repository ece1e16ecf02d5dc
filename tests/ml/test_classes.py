"""A label of several classes, with a key of several columns: train, predict, and a table that follows the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import ml.task
from ml.errors import NoModel, TableInUse, TaskBroken
from ml.learning.summary import describe_training
from ml.predict import load_model, most_probable, predict
from ml.prediction_tables.shape import probability_columns
from ml.reading.frame import SET, read_rows
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.small.orders_task import CHANNELS, make_orders
from tests.support.small.task import execute

COLUMNS = """
select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
from pg_attribute where attrelid = 'predictions.channels'::regclass and attnum > 0 and not attisdropped order by attnum
"""


@pytest.fixture
def declare(task: Path) -> Callable[..., None]:
    """Make the table of orders; return what declares the task of its channels, with changes."""
    make_orders()

    def declare_channels(**changes: Any) -> None:
        (ml.task.TASKS / "channels.yml").write_text(yaml.safe_dump({**CHANNELS, **changes}))

    declare_channels()
    return declare_channels


def test_each_class_gets_a_probability_under_the_marts_key(declare: Callable[..., None]) -> None:
    trained = train("channels")
    assert trained.manifest["kind"] == "multi-class"
    assert trained.manifest["classes"] == ["-shop", "phone", "web"]
    assert set(trained.manifest["candidates"]) == {"dummy", *CHANNELS["candidates"]}
    assert trained.manifest["class_balance"]["web"] == {"share": 0.3333, "train": 54, "validation": 18, "test": 18}
    assert trained.manifest["metrics"]["macro_f1"] == 1
    assert trained.manifest["candidates"]["dummy"]["test"]["balanced_accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert trained.manifest["each_class"]["phone"] == {"precision": 1, "recall": 1, "roc_auc": 1}
    assert "test roc_auc 1.000 (1.000 to 1.000), macro_f1 1.000, log_loss" in trained.summary
    printed = list(describe_training(trained.manifest, ""))
    assert "rows divided at random, by class: 162 train, 54 validation, 54 test; classes" in printed[-2]
    assert score("channels").rows == 300
    assert rows(COLUMNS) == [
        ("order_id", "bigint", None),
        ("line", "date", None),
        ("model_id", "uuid", "Model of the task channels, on marts.orders"),
        ("predicted_label", "character varying(20)", "The class of channel that is most probable"),
        ("probability_shop", "double precision", "Probability of the label -shop"),
        ("probability_phone", "double precision", "Probability of the label phone"),
        ("probability_web", "double precision", "Probability of the label web"),
        ("is_stale", "boolean", None),
        ("scored_at", "timestamp with time zone", None),
    ]
    assert rows(
        "select count(*), count(*) filter (where channel is not null and predicted_label = channel),"
        " bool_and(abs(probability_shop + probability_phone + probability_web - 1) < 1e-5)"
        " from marts.orders inner join predictions.channels using (order_id, line)"
    ) == [(300, 270, True)]
    assert score("channels").summary.startswith("nothing new")


def test_written_classes_are_what_predict_returns(declare: Callable[..., None]) -> None:
    train("channels")
    score("channels")
    model = load_model("channels")
    frame = read_rows(model.task)
    probabilities = predict(model, frame)
    assert probabilities.shape == (300, 3)
    expected = zip(frame["order_id"], frame["line"], most_probable(model, probabilities), strict=True)
    written = rows("select order_id::text, line::text, predicted_label from predictions.channels")
    assert sorted(written) == sorted(expected)


def test_a_table_follows_its_model_from_two_classes_to_more(
    declare: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute("alter table marts.orders add column is_web boolean", "update marts.orders set is_web = channel = 'web'")
    declare(label="is_web")
    train("channels")
    score("channels")
    assert [name for name, _, _ in rows(COLUMNS)][2:5] == ["model_id", "probability", "is_predicted_positive"]
    before = rows("select 'predictions.channels'::regclass::oid")
    declare(label="is_web", seed=7)
    train("channels")
    score("channels")
    assert rows("select 'predictions.channels'::regclass::oid") == before
    declare()
    with pytest.raises(NoModel, match=r"learnt another label than ml/tasks/channels\.yml names"):
        score("channels")
    train("channels")
    score("channels")
    assert [name for name, _, _ in rows(COLUMNS)][3:5] == ["predicted_label", "probability_shop"]
    execute("update marts.orders set channel = 'Drive In' where amount > 20")
    train("channels")
    score("channels")
    assert "probability_drive_in" in [name for name, _, _ in rows(COLUMNS)]
    for role in ("reader", "loader"):
        assert rows(f"select has_table_privilege('waybill_{role}', 'predictions.channels', 'select')") == [(True,)]


def test_a_view_on_old_predictions_keeps_them_and_is_named(declare: Callable[..., None]) -> None:
    train("channels")
    score("channels")
    execute("create view public.mine as select probability_web from predictions.channels")
    execute("update marts.orders set channel = 'drive in' where amount > 20")
    train("channels")
    with pytest.raises(TableInUse, match=r"must get other columns, .* view public\.mine depends on .*: drop that"):
        score("channels")
    assert rows("select count(*) from predictions.channels") == [(300,)]


@pytest.mark.parametrize(
    ("classes", "columns"),
    [
        (["a b", "A-B", "é", "?", "-1", "1"], ["a_b", "a_b_2", "é", "class_4", "minus_1", "1"]),
        (["x" * 99 + "1", "x" * 99 + "2"], ["x" * 48, "x" * 48 + "_2"]),
    ],
)
def test_each_class_has_a_column_of_a_different_plain_name(classes: list[str], columns: list[str]) -> None:
    found = probability_columns(classes)
    assert list(found) == [f"probability_{name}" for name in columns]
    assert list(found.values()) == classes
    assert all(len(name.encode()) <= 63 for name in found)


SPLITS = {
    "time": {"time_column": "at", "validation_from": "2024-02-15", "test_from": "2024-03-10"},
    "group": {"group_column": "cafe"},
    "random": {},
}


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_two_trainings_give_equal_figures_with_every_split(declare: Callable[..., None], split: dict[str, Any]) -> None:
    declare(split=split)
    first = train("channels").manifest
    execute(
        "create temporary table shuffled as table marts.orders",
        "truncate marts.orders",
        "insert into marts.orders select * from shuffled order by md5(order_id || line::text)",
    )
    second = train("channels", force=True).manifest
    for name in ("metrics", "rows", "class_balance", "training_digest", "each_class", "split"):
        assert first[name] == second[name], name
    assert not score("channels").is_stale


@pytest.mark.parametrize("label", ["channel", "is_web"])
def test_figures_are_those_of_plain_scikit_learn(declare: Callable[..., None], label: str) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import balanced_accuracy_score, brier_score_loss, f1_score, log_loss, roc_auc_score

    execute(
        "alter table marts.orders add column is_web boolean",
        "update marts.orders set is_web = channel = 'web', amount = abs(hashint8(order_id + extract(day from line)::int))"
        " % 100 + case channel when 'web' then 40 when 'phone' then 20 else 0 end",
    )
    parameters = {"max_iter": 10, "min_samples_leaf": 5}
    declare(label=label, categorical=[], candidates={"hist_gradient_boosting": parameters})
    metrics = train("channels").manifest["candidates"]["hist_gradient_boosting"]
    frame = read_rows(ml.task.read_task("channels").task)
    frame = frame[frame[label].notna()]
    train_rows, test_rows = frame[frame[SET] == 0], frame[frame[SET] == 2]
    plain = HistGradientBoostingClassifier(random_state=CHANNELS["seed"], **parameters)
    plain.fit(train_rows[["amount"]], train_rows[label])
    probabilities, truth = plain.predict_proba(test_rows[["amount"]]), test_rows[label]
    if label == "is_web":
        expected = {
            "roc_auc": roc_auc_score(truth == "true", probabilities[:, 1]),
            "brier": brier_score_loss(truth == "true", probabilities[:, 1]),
        }
    else:
        predicted = plain.classes_[probabilities.argmax(axis=1)]
        expected = {
            "roc_auc": roc_auc_score(truth, probabilities, multi_class="ovr", average="macro"),
            "macro_f1": f1_score(truth, predicted, average="macro"),
            "balanced_accuracy": balanced_accuracy_score(truth, predicted),
            "log_loss": log_loss(truth, probabilities),
            "accuracy": np.mean(truth == predicted),
        }
    assert {name: metrics["test"][name] for name in expected} == pytest.approx(expected, abs=1e-4)
    assert 0.55 < expected["roc_auc"] < 0.99


def test_a_feature_without_values_in_training_is_left_out(declare: Callable[..., None]) -> None:
    declare(numeric=["amount", "empty"])
    trained = train("channels")
    assert "left out: feature empty (no value in the training rows)" in trained.summary
    execute("update marts.orders set empty = 1 where channel is null")
    assert score("channels").rows == 300
    declare(numeric=["empty"], categorical=[])
    with pytest.raises(TaskBroken, match=r"no feature has a value in the training rows: name others in ml/tasks"):
        train("channels")


def test_rows_of_rare_classes_are_left_out_and_still_predicted(declare: Callable[..., None]) -> None:
    execute("update marts.orders set channel = 'fax' where order_id in (select max(order_id) from marts.orders)")
    with pytest.raises(Exception, match=r"too few labelled rows of channel: fax \(0 rows in train"):
        train("channels")
    declare(rare_classes="leave_out")
    trained = train("channels")
    assert "left out: class fax (0 rows in train" in trained.summary
    assert trained.manifest["rows"]["unlabelled"] == rows(
        "select count(*) from marts.orders where channel is null or channel = 'fax'"
    )[0][0]  # fmt: skip
    assert score("channels").rows == 300


@pytest.mark.parametrize("seed", [3])
def test_more_classes_than_encoders_widen_for_are_learnt(declare: Callable[..., None], seed: int) -> None:
    execute("update marts.orders set channel = 'c' || order_id % 12, amount = order_id % 12", "analyze marts.orders")
    declare(seed=seed, candidates={"random_forest": {"n_estimators": 5}})
    trained = train("channels")
    assert len(trained.manifest["classes"]) == 12
    assert trained.manifest["metrics"]["roc_auc"] > 0.9


BAD_KEYS = {
    "null": (["cafe"], "marts.orders has 1 row with null in the key cafe: name other columns in ml/tasks/channels.yml"),
    "repeated": (["order_id"], "rows with a key that another row has: correct `key` in ml/tasks/channels.yml"),
}


@pytest.mark.parametrize(("key", "message"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_names_no_single_row_is_refused(declare: Callable[..., None], key: list[str], message: str) -> None:
    execute("update marts.orders set cafe = null where order_id = (select min(order_id) from marts.orders)")
    declare(key=key)
    with pytest.raises(TaskBroken) as raised:
        train("channels")
    assert message in str(raised.value)


def test_a_text_key_of_digits_keeps_its_zeros(task: Path) -> None:
    execute(
        "update marts.rows set row_id = lpad(substr(row_id, 2), 5, '0')",
        "grant select on marts.rows to waybill_reader",
    )
    train("small")
    score("small")
    assert rows("select count(*), min(row_id) from predictions.small inner join marts.rows using (row_id)") == [
        (600, "00001")
    ]


ODD = ['say "hi"', "a,b", "line\nbreak", "carriage\rreturn", " both ", "NA", "null", "\\.", "é\u202e", "\t", "'; drop"]


def test_odd_classes_and_keys_come_back_unchanged(declare: Callable[..., None]) -> None:
    values = ", ".join(f"'{value.replace(chr(39), chr(39) * 2)}'" for value in ODD)
    execute(
        f"create table marts.odd as select (array[{values}])[1 + n % {len(ODD)}] as channel, n % {len(ODD)} as amount,"
        f" (array[{values}, ''])[1 + n / 30] || case when n % 30 > 0 then n::text else '' end as id"
        " from generate_series(0, 359) as n",
        "grant select on marts.odd to waybill_trainer, waybill_reader",
    )
    declare(table="odd", key="id", categorical=[], candidates={"hist_gradient_boosting": {"min_samples_leaf": 2}})
    trained = train("channels")
    assert trained.manifest["metrics"]["accuracy"] == 1
    assert "\n" not in "".join(describe_training(trained.manifest, ""))
    assert score("channels").rows == 360
    assert rows(
        "select count(*), count(*) filter (where predicted_label = channel), count(*) filter (where id = '')"
        " from marts.odd inner join predictions.channels using (id)"
    ) == [(360, 360, 1)]
