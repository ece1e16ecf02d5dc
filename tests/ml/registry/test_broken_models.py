"""A model or folder that is broken is named with what helps, and nothing else stops for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import ml.task
from ml.checking.command import verify
from ml.errors import ArtefactBroken
from ml.registry import command
from ml.registry.artefact import current_manifest, described_models, load
from ml.registry.deciding import decide, find_trained
from ml.registry.folders import readable_folder
from ml.registry.history import PROMOTE, changing, current_id, make_current, read_history
from ml.registry.verdict import Verdict
from ml.score import score
from ml.train import train
from tests.ml.registry.permissions import without_permission
from tests.support.small.task import TASK, execute

Trained = Callable[..., Verdict]
UNUSABLE: dict[str, Any] = {
    "threshold": None,
    "features": "shop",
    "features_left_out": [1],
    "versions": [],
    "batches": None,
    "rows": {"learnt_from": "many"},
    "label": 1,
    "training_digest": None,
    "feature_types": {"shop": "colour"},
    "metrics": [],
    "kind": "other",
    "seeds": {"task": None},
    "slices": {},
    "trained_at": 2024,
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_value_of_another_type_is_broken_for_every_command(folder: Path, trained: Trained, name: str) -> None:
    path = folder / trained(0.3).model_id / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: UNUSABLE[name]}))
    for read in (current_manifest, load):
        with pytest.raises(ArtefactBroken, match=rf"with values that nobody can use: {name}: train again with"):
            read("returns")
    assert described_models(["returns"])[0] == {}
    assert trained(0.3).outcome == "not comparable"


@pytest.mark.parametrize("split", [{"time_column": "at"}, {"kind": "time", "days": 3}])
def test_a_split_that_cannot_be_used_is_named(folder: Path, trained: Trained, split: dict[str, Any]) -> None:
    trained(0.3, split=split)
    with pytest.raises(ArtefactBroken, match=r"does not say a split that can be used: train again"):
        load("returns")


@pytest.mark.parametrize("content", ["[]", "null", "3", "{", '{"threshold": null}', "[" * 100_000])
def test_the_advice_for_a_manifest_deletes_no_model(folder: Path, trained: Trained, content: str) -> None:
    first, second = trained(1.0), trained(0.3)
    (folder / second.model_id / "manifest.json").write_text(content)
    with pytest.raises(ArtefactBroken) as raised:
        load("returns")
    assert "train --task returns --force`, or go back to the model before with `" in str(raised.value)
    assert "rollback returns`" in str(raised.value)
    (folder / first.model_id / "manifest.json").write_text(content)
    with pytest.raises(ArtefactBroken, match=r"train again with `[^`]*--force`$"):
        load("returns", first.model_id)


@pytest.mark.parametrize("hidden", [".", "manifest.json", "model.joblib"])
def test_a_model_without_permission_says_so(folder: Path, trained: Trained, hidden: str) -> None:
    path = folder / trained(0.3).model_id
    load("returns")
    with without_permission(path / hidden), pytest.raises(ArtefactBroken, match="permission"):
        load("returns")
    load("returns")


def test_a_folder_of_models_without_permission_says_so(folder: Path, trained: Trained) -> None:
    trained(0.3)
    with without_permission(folder):
        for read in (load, current_id, readable_folder):
            with pytest.raises(
                ArtefactBroken, match=r"models/returns cannot be read: permission denied; give your user"
            ):
                read("returns")
        with pytest.raises(ArtefactBroken, match="permission"), changing("returns"):
            pass


@pytest.mark.server
def test_one_tasks_broken_folder_does_not_stop_the_others(task: Path) -> None:
    for name in ("broken", "small"):
        (ml.task.TASKS / f"{name}.yml").write_text(yaml.safe_dump({**TASK, "task": name}))
    model_id = train("small").manifest["model_id"]
    (task.parent / "broken").write_text("in place of the folder")
    said = "broken is not a folder, so the models of broken cannot be read: move it away"
    for listing in (command.models, verify):
        ran = CliRunner().invoke(listing, [])
        assert ran.exit_code == 1 and said in ran.output and model_id in ran.output, ran.output
    manifests, broken = described_models(["broken", "small"])
    assert list(manifests) == ["small"] and said in broken["broken"]
    with pytest.raises(ArtefactBroken, match=said):
        train("broken")
    assert score("small").rows == 600


@pytest.mark.server
def test_a_broken_challenger_is_named_and_scoring_goes_on(task: Path) -> None:
    first = train("small").manifest["model_id"]
    train("small", force=True)
    (task / first / "manifest.json").write_text("[]")
    said = score("small").summary
    assert said.startswith("600 predictions") and "the challenger was not scored: " in said
    assert "manifest.json that is not an object: train again with `" in said and "rollback" not in said


@pytest.mark.parametrize("written", ["", " \n", "../../etc", "..", "a/b", "01a2-not-there", "\ud800", None])
def test_a_current_file_without_an_id_is_repaired(folder: Path, trained: Trained, written: str | None) -> None:
    trained(1.0)
    second = trained(0.3).model_id
    path = folder / "current"
    path.unlink() if written is None else path.write_bytes(written.encode(errors="surrogatepass"))
    assert written == "01a2-not-there" or current_id("returns") == second, "readers use the history at once"
    before = len(read_history("returns").changes)
    with changing("returns") as history:
        assert history.current == second and len(history.changes) == before
    assert path.read_text() == f"{second}\n"


def test_a_current_file_without_an_id_or_history_is_refused(folder: Path, trained: Trained) -> None:
    model_id = trained(0.3).model_id
    (folder / "registry.json").unlink()
    (folder / "current").write_text("../../etc")
    with pytest.raises(
        ArtefactBroken, match=r"current holds '\.\./\.\./etc', which is not a model's id: choose one with"
    ):
        load("returns")
    decide("returns", model_id)
    assert load("returns")[1]["model_id"] == current_id("returns") == model_id


@pytest.mark.server
def test_training_replaces_a_current_file_that_names_no_model(task: Path) -> None:
    first = train("small").manifest["model_id"]
    (task / "registry.json").unlink()
    (task / "current").write_text("../../etc")
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "seed": 2}))
    assert train("small").manifest["model_id"] == current_id("small") != first


def flip_a_byte(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


@pytest.mark.server
@pytest.mark.parametrize("damage", [flip_a_byte, Path.unlink])
def test_a_changed_file_is_listed_and_trained_again(task: Path, damage: Callable[[Path], Any]) -> None:
    first = train("small").manifest["model_id"]
    assert train("small").summary.startswith("nothing new")
    damage(task / first / "model.joblib")
    assert f"{first}  current, " in (listed := CliRunner().invoke(command.models, []).output)
    assert ", file changed, " in listed and "fresh" not in listed
    summary = train("small").summary
    assert f"; trained again because {task / first / 'model.joblib'} is " in summary
    assert current_id("small") != first and score("small").rows == 600
    assert train("small").summary.startswith("nothing new")


def test_a_twin_replaces_a_chosen_model_whose_file_changed(folder: Path, trained: Trained) -> None:
    first, twin = trained(0.3).model_id, trained(0.3).model_id
    with changing("returns") as history:
        make_current("returns", history, first, PROMOTE)
    flip_a_byte(folder / first / "model.joblib")
    found = find_trained("returns", lambda manifest: True)
    assert found is not None and found[0]["model_id"] == current_id("returns") == twin


@pytest.mark.server
def test_a_challenger_of_another_label_is_no_reason_to_train(task: Path) -> None:
    declaration = ml.task.TASKS / "small.yml"
    execute("alter table marts.rows add was_late boolean", "update marts.rows set was_late = is_late")
    train("small")
    declaration.write_text(yaml.safe_dump({**TASK, "label": "was_late"}))
    train("small")
    declaration.write_text(yaml.safe_dump(TASK))
    train("small")
    said = score("small").summary
    assert "the challenger was not scored: it learnt was_late, and the label is is_late now" in said
    assert "train" not in said
