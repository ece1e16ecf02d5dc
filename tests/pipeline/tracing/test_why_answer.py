"""An answer of the API leads to its model, its features, the mart row and the source bytes (P8)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

import ml.task
from loader.load import load
from loader.plan import Request
from loader.tracing.why import why_row
from ml.api.data.answers import Answer, AnswerWriter
from ml.api.data.features import FeatureReader
from ml.predict import load_model
from ml.score import score
from ml.train import train
from pipeline.errors import AnswerUnknown
from pipeline.tracing.answer import why_answer
from tests.loader.conftest import source  # noqa: F401
from tests.support.documents import document
from tests.support.small.task import TASK, execute
from waybill.identifiers import uuid7
from waybill.settings import PROJECT

BUILT = """
create view intermediate.document_outcomes as
select 'things' as source, document ->> 'id' as document_key, 'current' as outcome, null as reason,
    document ->> 'updated_at' as version_at, _batch_id, _position, null::uuid as surviving_batch_id,
    null::bigint as surviving_position
from raw.things;
create table intermediate.processed_batches (model text, batch_id uuid, primary key (model, batch_id));
create table marts.rows (day date, row_id text, on_date date, is_late boolean, shop text, delay numeric,
    _batch_id uuid, _position bigint, primary key (row_id, day));
insert into marts.rows
select '2024-02-29', 'r' || n, date '2013-01-01' + n % 120, (n * 7) % 20 > 10,
    case n % 3 when 0 then 'NE' when 1 then 'SW' end, nullif((n * 7) % 20 + n % 3, 0) / 10.0, _batch_id, _position
from raw.things cross join lateral (select substring(document ->> 'id' from 2)::int as n) as numbers;
grant select on all tables in schema intermediate, marts to waybill_reader, waybill_trainer, waybill_api;
"""


@pytest.fixture
def built(database: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """Load 600 documents, build a mart from them, and train a model of it; return the file."""
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(number) for number in range(1, 601)))
    load(Request(("things",)))
    execute(BUILT)
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "small.yml").write_text(yaml.safe_dump({**TASK, "key": ["row_id", "day"]}))
    monkeypatch.setattr(ml.task, "TASKS", folder)
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    train("small")
    score("small")
    return path


def answered(key: dict[str, Any] | None = None, **given: Any) -> str:
    """Answer as the API does, and return the id of the prediction."""
    model, reader, writer = load_model("small"), FeatureReader(), AnswerWriter()
    features = {"shop": "SW", "delay": 1.5}
    if key:
        (found,) = reader.read_features(model, [key])
        assert found is not None
        features = found
    values = {"probability": 0.625, "is_predicted_positive": True, **given}
    answer = Answer(uuid7(), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), key, features, **values)
    writer.add("small", model.model_id, [answer])
    writer.close()
    assert writer.written == 1
    reader.close()
    return str(answer.prediction_id)


KEY = {"day": "2024-02-29", "row_id": "r7"}


def test_an_answer_by_key_leads_to_the_source_bytes(built: Path) -> None:
    prediction_id = answered(KEY)
    model_id = load_model("small").model_id
    lines = why_answer(prediction_id)
    assert lines[:2] == [
        f"prediction {prediction_id} of the task small, answered 2026-01-02 03:04:05 UTC",
        "it predicted late: late has probability 0.625000, threshold 0.5",
    ]
    assert lines[2].startswith(f"model {model_id}, trained ")
    assert ", is the current model; its training rows have not changed since: checked " in lines[2]
    assert lines[3:7] == [
        "its features were read from the mart by the key day = 2024-02-29, row_id = r7:",
        "  shop = SW",
        "  delay = 1.0",
        "marts.rows 2024-02-29, r7 has the same features today",
    ]
    assert lines[7:] == why_row("rows", ("r7", "2024-02-29"))
    assert lines[7] == "marts.rows r7, 2024-02-29 was made from this document:"
    assert lines[8].startswith(f"{built}:7 is source things, file batch ")
    assert any(line.endswith(f"checked: {document(7).decode()}") for line in lines)


def test_features_that_have_changed_since_are_named(built: Path) -> None:
    prediction_id = answered(KEY)
    execute("update marts.rows set delay = null, shop = 'NE' where row_id = 'r7'")
    assert "marts.rows 2024-02-29, r7 has changed since: shop was SW, is NE; delay was 1.0, is null" in why_answer(
        prediction_id
    )
    execute("delete from marts.rows where row_id = 'r7'")
    assert why_answer(prediction_id)[-2:] == [
        "marts.rows 2024-02-29, r7 is not in the mart any more",
        "its document cannot be traced: rows has no row r7, 2024-02-29",
    ]


def test_given_features_are_said_to_be_given(built: Path) -> None:
    lines = why_answer(answered(probability=None, is_predicted_positive=None, predicted_label="b",
                                probabilities={"a": 0.25, "b": 0.75}))  # fmt: skip
    assert lines[1] == "it predicted b: a 0.250000, b 0.750000"
    assert lines[3:] == ["its features were given with the request:", "  shop = SW", "  delay = 1.5"]


def test_the_model_is_stale_not_current_or_gone(built: Path, tmp_path: Path) -> None:
    first, prediction_id = load_model("small").model_id, answered(KEY)
    execute("update marts.rows set is_late = not is_late where row_id = 'r1'")
    train("small")
    second = load_model("small").model_id
    state = why_answer(prediction_id)[2]
    assert f"is not the current model any more: {second} is; its training rows have changed since" in state
    os.rename(tmp_path / "models" / "small" / first, tmp_path / "moved")
    lines = why_answer(prediction_id)
    assert lines[1] == "it predicted positive: positive has probability 0.625000"
    assert lines[2].startswith(f"model {first} is not in ") and lines[2].endswith(
        ": it was deleted, or WAYBILL_MODELS names another folder"
    )
    assert lines[6] == "marts.rows 2024-02-29, r7: whether it has changed since is not known without the model"
    assert lines[7] == "marts.rows r7, 2024-02-29 was made from this document:"


def test_a_task_that_has_changed_since_is_said(built: Path, tmp_path: Path) -> None:
    prediction_id = answered(KEY)
    declaration = tmp_path / "tasks" / "small.yml"
    declaration.write_text(yaml.safe_dump({**TASK, "key": "row_id"}))
    assert why_answer(prediction_id)[-1] == "the mart row cannot be looked up: the key of the task is row_id now"
    declaration.unlink()
    assert why_answer(prediction_id)[-1].startswith("the mart row cannot be looked up: unknown task 'small'")


def why_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "waybill", "why", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)


def test_the_command_takes_the_id_in_any_case(built: Path) -> None:
    prediction_id = answered()
    found = why_command(prediction_id.upper())
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines() == why_answer(prediction_id)


def test_an_unknown_id_is_one_line(database: str) -> None:
    unknown = str(uuid4())
    found = why_command(unknown)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == (f"error: no prediction {unknown}: the API has not stored an answer in this database yet\n")
    writer = AnswerWriter()
    writer.add("small", str(uuid4()), [Answer(uuid7(), datetime.now(UTC), None, {"a": 1.0}, 0.5, True)])
    writer.close()
    with pytest.raises(
        AnswerUnknown, match=r"in the stored answers of small: they are kept for 30 days, and written a"
    ):
        why_answer(unknown)


def test_answers_are_no_predictions_of_a_mart(built: Path) -> None:
    """A mart whose key is called as that of answers is not joined with them."""
    answered(KEY)
    execute(
        "create table marts.predicted (prediction_id uuid primary key, _batch_id uuid, _position bigint)",
        "insert into marts.predicted select '00000000-0000-7000-8000-000000000001', _batch_id, _position"
        " from marts.rows where row_id = 'r7'",
        "grant select on marts.predicted to waybill_reader",
    )
    lines = why_row("predicted", ("00000000-0000-7000-8000-000000000001",))
    assert not [line for line in lines if "small_answers" in line]
    assert json.dumps(lines).count("predictions.small:") == 1
