"""A task of several classes: its predictions have a column for each class, and no event names one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import ml.task
from ml.score import main as score
from ml.train import main as train
from tests.support.databases import rows
from tests.support.lineage.events import events_sent, last_of, read_events, rows_written
from tests.support.small.orders_task import CHANNELS, make_orders
from tests.support.small.task import TASK, execute, make_rows
from waybill.settings import get_settings

CANARY = "zq7canary"
COLUMNS = "select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum"


@pytest.fixture(autouse=True)
def project(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks, one with a class that is a canary, and their own file of events."""
    (tmp_path / "tasks").mkdir()
    for name, content in {"channels": CHANNELS, "small": TASK}.items():
        (tmp_path / "tasks" / f"{name}.yml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(ml.task, "TASKS", tmp_path / "tasks")
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("WAYBILL_OPENLINEAGE", "true")
    make_rows()
    make_orders()
    execute(f"update marts.orders set channel = '{CANARY}' where channel = 'web'")


def columns_of(task: str) -> list[str]:
    """Train and score a task; return the columns of its predictions that the event names."""
    with events_sent():
        for command in (train, score):
            done = CliRunner().invoke(command, ["--task", task])
            assert done.exit_code == 0, done.output
    event = last_of(read_events(), f"score.{task}")
    ((count,),) = rows(f"select count(*)::int from predictions.{task}_by_model")
    assert rows_written(event) == {f"predictions.{task}_by_model": count}
    return [field["name"] for field in event["outputs"][0]["facets"]["schema"]["fields"]]


def test_no_event_names_a_class() -> None:
    named = columns_of("channels")
    of_table = [name for (name,) in rows(COLUMNS, "predictions.channels_by_model")]
    assert f"probability_{CANARY}" in of_table
    assert named == [name for name in of_table if not name.startswith("probability_")]
    assert CANARY not in get_settings().openlineage_file.read_text()


def test_the_probability_of_two_classes_is_named() -> None:
    named = columns_of("small")
    assert named == [name for (name,) in rows(COLUMNS, "predictions.small_by_model")] and "probability" in named
