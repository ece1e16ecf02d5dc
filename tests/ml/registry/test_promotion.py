"""Promote and rollback change the folder and the view together, and a kill at any step is repaired."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import ml.task
from ml.errors import ArtefactBroken, ModelError, NoModel, OtherVersions
from ml.prediction_tables.by_model import changing_predictions
from ml.registry import artefact, command
from ml.registry.history import current_id, read_history
from ml.registry.model_bytes import sealed
from ml.registry.promotion import promote, rollback
from ml.registry.retention import prune
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.small.task import TASK, execute
from warehouse.connection import cursor_of, forget
from warehouse.logins import Role

SHOWN = "select distinct model_id::text from predictions.small"


@pytest.fixture
def models(task: Path) -> list[str]:
    """Train three models, of which the last is current, and score; return their ids."""
    found = []
    for seed in (1, 2, 3):
        (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "seed": seed}))
        found.append(str(train("small").manifest["model_id"]))
    score("small")
    return found


def state() -> tuple[str | None, str | None, list[tuple[str, ...]]]:
    return current_id("small"), read_history("small").current, rows(SHOWN)


def is_everywhere(model_id: str) -> bool:
    return state() == (model_id, model_id, [(model_id,)])


def test_promote_shows_the_models_predictions_at_once(models: list[str]) -> None:
    first, _, third = models
    said = promote("small", first)
    assert said == (
        f"{first} is the current model of small instead of {third}; predictions.small shows its predictions; 600"
        " predictions written"
    )
    assert is_everywhere(first)
    assert read_history("small").challenger == third
    assert promote("small", third).endswith("predictions.small shows its predictions"), "they were still stored"
    assert is_everywhere(third)
    assert promote("small", third).startswith(f"{third} is the current model of small, as before")
    assert [change.reason for change in read_history("small").changes] == ["trained"] * 3 + ["promote"] * 2


def test_rollback_goes_back_one_model_each_time(models: list[str]) -> None:
    first, second, third = models
    for expected in (second, first):
        assert rollback("small").startswith(f"{expected} is the current model of small")
        assert is_everywhere(expected)
    with pytest.raises(NoModel, match=r"small had no other current model before: `.*models small` lists its models"):
        rollback("small")
    assert is_everywhere(first)
    assert "nothing new" in train("small").summary and is_everywhere(first), "the next run keeps a person's choice"
    assert f"promote small {third}` makes it the current one" in train("small").summary


def broken(folder: Path) -> None:
    (folder / "model.joblib").write_bytes(b"other")


def of_other_versions(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["versions"]["numpy"] = "0.1"
    (folder / "manifest.json").write_text(json.dumps(sealed(manifest)))


def of_a_missing_column(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    changed = {**manifest, "features": ["shop", "colour"], "feature_types": {"shop": "category", "colour": "number"}}
    (folder / "manifest.json").write_text(json.dumps(sealed(changed)))


def removed(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize("change", [broken, of_other_versions, removed])
def test_a_model_that_cannot_be_loaded_is_no_challenger(
    task: Path, models: list[str], change: Callable[[Path], None]
) -> None:
    change(task / models[-1])
    trained = train("small", force=True).manifest["model_id"]
    assert (current_id("small"), read_history("small").challenger) == (trained, None)
    assert "challenger" not in score("small").summary


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (broken, ArtefactBroken, r"is not the file that was saved, so it was not loaded: train again with `.*--force`"),
        (
            of_other_versions,
            OtherVersions,
            r"saved with numpy 0\.1, so it was not loaded: train again with `.*--force`",
        ),
        (of_a_missing_column, NoModel, r"learnt from colour, which marts\.rows does not have: .*models small` lists"),
        (removed, NoModel, r"small has no model '.*': `.*models small` lists them"),
    ],
)
def test_a_model_that_cannot_predict_is_refused(
    task: Path, models: list[str], change: Callable[[Path], None], error: type[ModelError], message: str
) -> None:
    _, second, third = models
    change(task / second)
    for refused in (lambda: promote("small", second), lambda: rollback("small")):
        with pytest.raises(error, match=message):
            refused()
        assert is_everywhere(third)


def killed(step: int, work: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do the work in a child process, killed before its n-th replaced file or commit; return whether it was killed."""
    child = os.fork()
    if not child:
        forget()
        count, replace = 0, Path.replace

        def kill_at_step() -> None:
            nonlocal count
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

        def replacing(path: Path, target: Path) -> Path:
            kill_at_step()
            return replace(path, target)

        @contextmanager
        def committing(role: Role) -> Iterator[Any]:
            with cursor_of(role) as cursor:
                yield cursor
                kill_at_step()

        monkeypatch.setattr(Path, "replace", replacing)
        monkeypatch.setattr("ml.prediction_tables.by_model.cursor_of", committing)
        work()
        os._exit(0)
    return bool(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def test_a_promotion_killed_at_any_step_is_repaired(models: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, third = models
    steps = 0
    while killed(steps, lambda: promote("small", first), monkeypatch):
        folder, history, view = state()
        assert view == [(third,)], "nobody sees half of a promotion in the view"
        assert (folder, history) in ((third, third), (third, first), (first, first))
        score("small")
        assert is_everywhere(first if history == first else third)
        promote("small", third)
        assert is_everywhere(third)
        steps += 1
    assert steps == 3
    assert is_everywhere(first)


def test_promotions_and_a_scoring_at_once_agree_in_the_end(models: list[str]) -> None:
    failed = []

    def promoting(model_id: str) -> None:
        try:
            for _ in range(3):
                promote("small", model_id)
        except BaseException as error:
            failed.append(error)
            raise

    def scoring() -> None:
        for _ in range(4):
            score("small")

    threads = [Thread(target=promoting, args=(model_id,)) for model_id in models[:2]]
    threads += [Thread(target=scoring)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    current = current_id("small")
    assert not failed and current in models[:2] and is_everywhere(str(current))


def test_a_promotion_that_waits_says_for_what(models: list[str], caplog: pytest.LogCaptureFixture) -> None:
    def promote_two() -> None:
        threads = [Thread(target=promote, args=("small", model_id)) for model_id in models[:2]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(3)
        waiting.extend(threads)

    waiting: list[Thread] = []
    with changing_predictions("small"):
        promote_two()
    for thread in waiting:
        thread.join()
    lines = sorted(caplog.messages)
    assert lines[0] == "waiting for another command that changes the models of small"
    assert lines[1].startswith("waiting for another command that writes predictions.small holders=waybill trainer (")
    assert len(lines) == 2


def test_models_are_listed_with_figures_verdict_and_state(task: Path, models: list[str]) -> None:
    first, second, third = models
    (task / ".x.partial").mkdir()
    listed = CliRunner().invoke(command.models, ["small"]).output
    assert listed.startswith("small: 4 models\n")
    lines = listed.splitlines()
    assert lines[1].startswith(f"  {third}  current, logistic_regression of ")
    assert "UTC, test roc_auc 0." in lines[1] and lines[1].endswith(", fresh, scored")
    assert f"no clear difference from {second}" in lines[2]
    assert lines[3].startswith(f"  {second}  challenger, ")
    assert f"  {first}  kept, " in listed and "  x  not usable: it was not saved completely" in listed
    found = json.loads(CliRunner().invoke(command.models, ["small", "--json"]).output)
    assert [one["state"] for one in found["models"]] == ["current", "challenger", "kept", "not usable"]
    assert found["shown"] == third and found["models"][0]["verdict"]["against"] == second
    assert [change["model_id"] for change in found["changes"]] == models
    current = (task / "current").read_text()
    (task / "current").write_text("01a22ecb-4420-73cd-ba1a-b9aa4f3dc4dc")  # a model that is not there
    listed = CliRunner().invoke(command.models, ["small"]).output
    assert "  none of them is the current one: `.venv/bin/waybill promote small MODEL` makes one so\n" in listed
    (task / "current").write_text(current)
    execute("update marts.rows set is_late = not is_late where row_id = 'r7'")
    score("small")
    assert ", STALE, scored" in CliRunner().invoke(command.models, []).output.splitlines()[1]


def test_pruning_deletes_old_folders_and_never_the_current_one(task: Path, models: list[str]) -> None:
    promote("small", models[0])
    for seed in range(4, 11):
        (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "seed": seed}))
        newest = train("small").manifest["model_id"]
    promote("small", models[0])
    (task / ".x.partial").mkdir()
    (task / "unreadable").mkdir()
    before = {path.name for path in task.iterdir() if path.is_dir()}
    assert len(before) == 12
    output = CliRunner().invoke(command.models, ["small", "--prune"]).output
    assert f"deleted: {models[1]} of small" in output
    left = {path.name for path in task.iterdir() if path.is_dir()}
    assert {models[0], newest, "unreadable"} <= left and len(left) == 8
    assert prune("small") == []
    assert promote("small", str(newest)[:25]).startswith(str(newest))


def test_pruning_waits_for_a_training_that_saves(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train("small")
    write_model = artefact.write_model
    pruning = Thread(target=prune, args=["small"])

    def write_while_pruning(*arguments: Any) -> None:
        pruning.start()
        pruning.join(timeout=0.5)
        write_model(*arguments)

    monkeypatch.setattr(artefact, "write_model", write_while_pruning)
    model_id = train("small", force=True).manifest["model_id"]
    pruning.join()
    assert current_id("small") == model_id and score("small").rows == 600


def test_mistakes_are_one_line_of_usage(task: Path) -> None:
    for ran in (
        CliRunner().invoke(command.models, ["other"]),
        CliRunner().invoke(command.promote, ["other", "x"]),
        CliRunner().invoke(command.rollback, ["other"]),
    ):
        assert ran.exit_code == 2 and "unknown task 'other': choose from small" in ran.output
    assert "small: no model; `" in CliRunner().invoke(command.models, []).output
    assert isinstance(CliRunner().invoke(command.promote, ["small", "x"]).exception, NoModel)
