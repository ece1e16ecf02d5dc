"""A trained model becomes the current one unless it is worse; a killed decision is made by the next training."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ml.errors import NoModel
from ml.registry import deciding
from ml.registry.deciding import decide, find_trained
from ml.registry.folders import find_model, find_models
from ml.registry.history import PROMOTE, changing, current_id, make_current, read_history
from ml.registry.verdict import Verdict, read_verdict

Trained = Callable[..., Verdict]


def anything(manifest: dict[str, Any]) -> bool:
    return True


def test_a_better_model_is_promoted_and_the_loser_is_kept(folder: Path, trained: Trained) -> None:
    first = trained(1.0)
    assert (first.outcome, first.against, current_id("returns")) == ("only model", None, first.model_id)
    better = trained(0.3)
    assert (better.outcome, better.against) == ("better", first.model_id)
    history = read_history("returns")
    assert (history.current, history.challenger) == (better.model_id, first.model_id)
    assert [(one.model_id, one.instead_of, one.reason) for one in history.changes] == [
        (first.model_id, None, "trained"), (better.model_id, first.model_id, "trained")
    ]  # fmt: skip
    assert read_verdict(folder / better.model_id) == better


def test_a_worse_model_is_the_challenger_with_its_verdict(folder: Path, trained: Trained) -> None:
    first, worse = trained(0.3), trained(1.0)
    assert worse.outcome == "worse"
    history = read_history("returns")
    assert (current_id("returns"), history.current, history.challenger) == (
        first.model_id, first.model_id, worse.model_id
    )  # fmt: skip
    assert read_verdict(folder / worse.model_id) == worse
    manifest, decided = find_trained("returns", lambda one: one["model_id"] == worse.model_id) or ({}, "")
    assert manifest["model_id"] == worse.model_id and "it is kept as worse" in decided
    assert current_id("returns") == first.model_id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": "is_late"}, "another label"),
        ({"classes": ["a", "b"]}, "other classes"),
        ({"noise": None}, "were not kept"),
    ],
)
def test_a_model_that_cannot_be_compared_is_promoted(trained: Trained, changes: dict[str, Any], reason: str) -> None:
    trained(0.3)
    verdict = trained(**{"noise": 1.0, **changes})
    assert verdict.outcome == "not comparable" and reason in str(verdict)
    assert current_id("returns") == verdict.model_id


def test_a_worse_model_replaces_one_that_cannot_be_loaded(folder: Path, trained: Trained) -> None:
    better = trained(0.3)
    (folder / better.model_id / "model.joblib").write_bytes(b"other")
    worse = trained(1.0)
    assert worse.outcome == "not comparable" and "that model cannot be loaded any more" in str(worse)
    assert (current_id("returns"), read_history("returns").challenger) == (worse.model_id, None)


def test_the_next_training_decides_about_a_killed_ones_model(trained: Trained) -> None:
    first = trained(1.0)
    better = trained(0.3)
    with changing("returns") as history:
        make_current("returns", history, first.model_id, "trained")
    manifest, decided = find_trained("returns", lambda one: one["model_id"] == better.model_id) or ({}, "")
    assert "better than" in decided
    assert current_id("returns") == manifest["model_id"] == better.model_id


def test_a_persons_choice_is_kept_until_a_new_model_is_trained(trained: Trained) -> None:
    first, better = trained(1.0), trained(0.3)
    with changing("returns") as history:
        make_current("returns", history, first.model_id, PROMOTE)
    found = find_trained("returns", lambda one: one["model_id"] == better.model_id)
    assert found is not None and f"{first.model_id} is current, by a promote" in found[1]
    assert current_id("returns") == first.model_id
    third = trained(0.3)
    assert (third.outcome, current_id("returns")) == ("better", third.model_id)


def test_the_current_model_comes_first_among_equals(trained: Trained) -> None:
    trained(0.3)
    second = trained(0.3)
    assert second.outcome == "no difference"
    found = find_trained("returns", anything)
    assert found is not None and (found[0]["model_id"], found[1]) == (second.model_id, "")


def killed_at(step: int, work: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do the work in a child process that is killed at the given replacement of a file; return whether it was."""
    child = os.fork()
    if not child:
        count = 0
        replace = Path.replace

        def counting(path: Path, target: Path) -> Path:
            nonlocal count
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", counting)
        work()
        os._exit(0)
    return bool(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


@pytest.mark.parametrize("step", range(3))
def test_a_decision_killed_at_any_step_is_completed(
    folder: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    first, better = trained(1.0), trained(0.3)
    with changing("returns") as history:
        make_current("returns", history, first.model_id, "trained")
    assert killed_at(step, lambda: decide("returns", better.model_id), monkeypatch)
    assert current_id("returns") == first.model_id
    found = find_trained("returns", lambda one: one["model_id"] == better.model_id)
    assert found is not None
    assert current_id("returns") == read_history("returns").current == better.model_id
    assert read_history("returns").challenger == first.model_id
    assert len(read_history("returns").changes) == 4
    assert not killed_at(3, lambda: decide("returns", better.model_id), monkeypatch)


def test_a_current_file_that_others_wrote_is_recorded(folder: Path, trained: Trained) -> None:
    first, _, _ = trained(1.0), trained(0.9), trained(0.3)
    (folder / "current").write_text(f"{first.model_id}\n")
    with changing("returns") as history:
        assert (history.current, history.changes[-1].reason) == (first.model_id, "found in the file current")
    (folder / "registry.json").write_text("{")
    with changing("returns") as history:
        assert [change.model_id for change in history.changes] == [first.model_id]


def test_two_decisions_at_once_leave_one_history(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [trained(0.3).model_id for _ in range(4)]
    threads = [Thread(target=decide, args=("returns", model_id)) for model_id in models * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changes = read_history("returns").changes
    assert all(later.instead_of == earlier.model_id for earlier, later in pairwise(changes))
    assert current_id("returns") == changes[-1].model_id


@pytest.mark.parametrize("is_new", [True, False])
def test_only_the_owner_can_read_models(folder: Path, trained: Trained, is_new: bool) -> None:
    if not is_new:
        folder.mkdir(parents=True)
        folder.chmod(0o755)  # as an older version made it, or as its owner wants it
    model = trained(0.3)
    modes = [path.stat().st_mode & 0o777 for path in (folder.parent, folder, folder / model.model_id)]
    assert modes[-1] == 0o700
    assert modes[:2] == [0o700, 0o700] or not is_new


def test_unreadable_and_partial_folders_are_named(folder: Path, trained: Trained) -> None:
    model = trained(0.3)
    for name, content in (("a", None), ("b", "{"), ("c", "[]"), ("d", '{"model_id": "d"}'), (".e.partial", None)):
        (folder / name).mkdir()
        if content is not None:
            (folder / name / "manifest.json").write_text(content)
    (folder / "f").mkdir()
    (folder / "f" / "manifest.json").write_text((folder / model.model_id / "manifest.json").read_text())
    problems = {one.model_id: one.problem for one in find_models("returns")}
    assert problems == {
        model.model_id: "",
        "a": "has no manifest.json that can be read",
        "b": "has no manifest.json that can be read",
        "c": "has a manifest.json that is not an object",
        "d": "has a manifest.json that does not say sha256, versions, features, label, training_digest, task_digest,"
        " batches, rows, threshold",
        "e": "was not saved completely: its training was ended, or is at work",
        "f": f"has the manifest.json of another model, {model.model_id}",
    }
    assert trained(0.2).against == model.model_id
    with pytest.raises(NoModel, match=r"the model a of returns has no manifest\.json that can be read: choose another"):
        find_model("returns", "a")


def test_a_model_is_named_by_any_unique_beginning(trained: Trained) -> None:
    model = trained(0.3)
    assert find_model("returns", model.model_id[:20]).model_id == model.model_id
    trained(0.3)
    with pytest.raises(NoModel, match="2 models of returns begin with '0': give more of the id"):
        find_model("returns", "0")
    for beginning in ("", "x"):
        with pytest.raises(NoModel, match=r"returns has no model .*`.*models returns` lists them"):
            find_model("returns", beginning)


def test_rolling_back_twice_goes_back_twice(trained: Trained) -> None:
    first, second, third = (trained(0.3).model_id for _ in range(3))
    for expected in (second, first):
        with changing("returns") as history:
            assert history.before == expected
            make_current("returns", history, expected, "rollback")
    with changing("returns") as history:
        assert history.before is None
        make_current("returns", history, third, PROMOTE)
    assert read_history("returns").before == first


def test_every_outcome_says_what_was_decided() -> None:
    assert deciding.describe_decision(Verdict("a", None, "only model")) == ""
    assert "kept as the challenger, worse than b" in deciding.describe_decision(
        Verdict("a", "b", "worse", value=0.5, other=0.6, difference=-0.1, low=-0.2, high=-0.05, rows=9)
    )
