"""Texts that only erased rows had leave the encoders and the manifest of every model; its other predictions stay."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import joblib
import pytest
import yaml

import ml.task
from ml.erasing import model_files
from ml.predict import load_model, predict
from ml.reading.frame import read_rows
from ml.registry.artefact import read_manifest
from ml.registry.model_bytes import MODEL, checksum, file_problem, sealed
from ml.train import train
from tests.ml.erasing.conftest import Erase
from tests.support.small.task import TASK, execute

CANARY = "Kanarienvögel GmbH"
FILES = ["evaluation.npz", "manifest.json", MODEL, "verdict.json"]
OF_CANARY = "row_id in ('r1', 'r2', 'r3') or row_id ~ '^c'"


@pytest.fixture(params=["logistic_regression", "hist_gradient_boosting", "blend"])
def model_id(request: pytest.FixtureRequest, task: Path) -> str:
    """Train a model to which 53 rows have given a shop that no other row has; return its id."""
    candidates: dict[str, Any] = {"dummy": {}, "logistic_regression": {}, "hist_gradient_boosting": {"max_iter": 5}}
    if request.param == "blend":
        candidates["blend"] = {"logistic_regression": 1, "hist_gradient_boosting": 1}
    else:
        candidates = {"dummy": {}, request.param: candidates[request.param]}
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "candidates": candidates}))
    execute(
        f"update marts.rows set shop = '{CANARY}' where row_id in ('r1', 'r2', 'r3')",
        "insert into marts.rows select 'c' || n, date '2013-01-01' + n % 100, n % 2 = 0, "
        f"'{CANARY}', n % 20 from generate_series(1, 50) as n",
    )
    manifest = train("small").manifest
    assert manifest["chosen"] == request.param
    return str(manifest["model_id"])


def holds_canary(folder: Path) -> list[str]:
    """Return the files of a model that have the text, the model's own unpacked."""
    found = []
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        content = gzip.decompress(content) if path.name.startswith(MODEL) else content
        if CANARY.encode() in content or json.dumps(CANARY)[1:-1].encode() in content:
            found.append(path.name)
    return found


def probabilities(model_id: str) -> list[float]:
    model = load_model("small", model_id)
    frame = read_rows(model.task)
    return [float(one) for one in predict(model, frame[frame["shop"] != CANARY])]


def test_no_file_of_a_model_names_an_erased_text(task: Path, model_id: str, erase: Erase) -> None:
    folder, before = task / model_id, probabilities(model_id)
    assert holds_canary(folder) == ["manifest.json", MODEL]
    (mark,) = erase(OF_CANARY).models
    assert mark.named_texts == 0 and holds_canary(folder) == []
    assert file_problem(folder, read_manifest("small", model_id)) == ""
    assert probabilities(model_id) == pytest.approx(before, abs=1e-15)
    reference = read_manifest("small", model_id)["reference"]["features"]["shop"]
    assert sum(reference["counts"]) == read_manifest("small", model_id)["reference"]["rows"]


def test_texts_of_rows_that_are_there_stay(task: Path, model_id: str, erase: Erase) -> None:
    before = (task / model_id / MODEL).read_bytes()
    erase("row_id = 'r1'")
    assert (task / model_id / MODEL).read_bytes() == before
    assert holds_canary(task / model_id) == ["manifest.json", MODEL]


def test_a_new_row_with_an_erased_text_counts_as_unknown(task: Path, model_id: str, erase: Erase) -> None:
    erase(OF_CANARY)
    execute(f"insert into marts.rows values ('n1', '2013-01-01', true, '{CANARY}', 3)")
    execute("insert into marts.rows values ('n2', '2013-01-01', true, 'never seen', 3)")
    model = load_model("small", model_id)
    frame = read_rows(model.task)
    first, second = (predict(model, frame[frame["row_id"] == key])[0] for key in ("n1", "n2"))
    assert first == pytest.approx(second)


def test_a_model_of_other_libraries_is_named_not_opened(task: Path, model_id: str, erase: Erase) -> None:
    path = task / model_id / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(sealed({**manifest, "versions": {**manifest["versions"], "numpy": "0.1"}})))
    erased = erase(OF_CANARY)
    assert erased.models[0].named_texts is None and holds_canary(task / model_id) == [MODEL]
    assert f"{model_id}/{MODEL} cannot be searched for texts" in erased.unchecked[0]


@pytest.mark.parametrize("step", ["write_atomic", "replace"])
def test_a_kill_while_a_model_is_rewritten_is_made_up_for(
    task: Path, erase: Erase, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    execute(f"update marts.rows set shop = '{CANARY}' where row_id in ('r1', 'r2', 'r3')")
    model_id = str(train("small").manifest["model_id"])

    class Killed(BaseException):
        pass

    def kill(path: Path, *_: Any) -> None:
        if path.name in ("manifest.json", f"{MODEL}.new"):
            raise Killed
        path.rename(*_)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(*((Path, "replace", kill) if step == "replace" else (model_files, "write_atomic", kill)))
        erase(OF_CANARY)
    assert MODEL in holds_canary(task / model_id)
    assert [mark.rows for mark in erase.go_on().models] == [3]
    assert holds_canary(task / model_id) == [] and sorted(path.name for path in (task / model_id).iterdir()) == FILES
    load_model("small", model_id)


def test_folders_that_hold_no_usable_model_are_deleted_or_named(task: Path, erase: Erase) -> None:
    broken, partial, older, other = (str(train("small", force=True).manifest["model_id"]) for _ in range(4))
    (task / broken / "manifest.json").write_text("{")
    (task / partial).rename(task / f".{partial}.partial")
    manifest = json.loads((task / older / "manifest.json").read_text())
    (task / older / "manifest.json").write_text(json.dumps({name: manifest[name] for name in ("features", "label")}))
    joblib.dump("another kind of model", task / other / MODEL)
    manifest = json.loads((task / other / "manifest.json").read_text())
    changed = sealed({**manifest, "sha256": checksum(task / other / MODEL)})
    (task / other / "manifest.json").write_text(json.dumps(changed))
    execute(f"update marts.rows set shop = '{CANARY}' where row_id = 'r1'")
    erased = erase("row_id = 'r1'")
    assert [path.name for path in task.glob(".*.partial")] == []
    assert sorted((model.model_id, model.named_texts) for model in erased.models) == sorted(
        [(older, None), (other, None)]
    )
    problem = "has no manifest.json that can be read: what it holds is not known"
    assert any(sentence.endswith(f"{broken} {problem}") for sentence in erased.unchecked)
    assert sum("cannot be searched for texts" in sentence for sentence in erased.unchecked) == 2
