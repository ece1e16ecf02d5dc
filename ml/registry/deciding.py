"""Decides about a trained model: it becomes the current one unless it is worse than the current one, by its verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ml.registry.evaluation import read_evaluation
from ml.registry.folders import FoundModel, task_folder, usable_models
from ml.registry.history import PROMOTE, ROLLBACK, History, changing, make_challenger, make_current, settled
from ml.registry.model_bytes import can_be_loaded, file_problem
from ml.registry.verdict import Verdict, compare, write_verdict
from waybill.cli import shown_command

TRAINED = "trained"


def decide(task: str, model_id: str) -> Verdict:
    """Compare a trained model with the current one and promote it, or keep it as the challenger; return the verdict.

    A model that is not comparable with the current one is promoted: it learnt from today's rows. So is one that is
    worse than a current model that cannot be loaded any more, which nobody could score with.

    1. Write the verdict beside the model. 2. Change the history and `current`. If the process is killed before 2, the
    next training finds the model, trains nothing and decides again.
    """
    with changing(task) as history:
        verdict = _verdict(task, model_id, history)
        write_verdict(verdict, task_folder(task) / model_id)  # 1.
        if verdict.is_worse:
            make_challenger(task, history, model_id)  # 2.
        elif history.current != model_id:
            make_current(task, history, model_id, TRAINED)
    return verdict


def _verdict(task: str, model_id: str, history: History) -> Verdict:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    against = history.current if history.current != model_id else history.challenger
    models = {model.model_id: model for model in usable_models(task)}
    if against is None:
        return Verdict(model_id, None, "only model", decided_at=now)
    nothing = Verdict(model_id, against, "not comparable", decided_at=now)
    if against not in models or model_id not in models:
        return replace(nothing, reason="its manifest cannot be read")
    other = models[against]
    verdict = compare_models(models[model_id], other)
    if verdict.is_worse and not can_be_loaded(other.folder, other.manifest):
        return replace(nothing, reason="that model cannot be loaded any more")
    return replace(verdict, decided_at=now)


def compare_models(own: FoundModel, other: FoundModel) -> Verdict:
    """Return the verdict on a model's recipe against another's, both as fitted on their training sets."""
    ids = (own.model_id, other.model_id)
    if (own.manifest["label"], own.manifest.get("classes")) != (other.manifest["label"], other.manifest.get("classes")):
        return Verdict(*ids, "not comparable", reason="it has another label, or other classes")
    evaluations = [read_evaluation(model.folder) for model in (own, other)]
    if None in evaluations:
        return Verdict(*ids, "not comparable", reason="the rows that it was measured on were not kept")
    first, second = (evaluation.validation for evaluation in evaluations if evaluation)
    return compare(ids, first, second)


def describe_decision(verdict: Verdict) -> str:
    """Return what was decided, for the end of a summary; empty for the first model of a task."""
    if verdict.against is None:
        return ""
    role = "kept as the challenger" if verdict.is_worse else "now the current model"
    return f"; {role}, {verdict}"


def find_trained(task: str, is_same: Callable[[dict[str, Any]], bool]) -> tuple[dict[str, Any], str] | None:
    """Return the manifest of a model that learnt what training would teach now, and what was decided about it.

    The current one comes first. One that is not current is decided about again (its training may have been killed, or
    undone rows may have come back), unless a person chose another one after it was trained, or it lost: then the
    current one stays, if it can be loaded. A model whose file has changed is none.
    """
    if not task_folder(task).exists():
        return None
    history = settled(task)
    usable = usable_models(task)
    same = [one for one in usable if is_same(one.manifest) and not file_problem(one.folder, one.manifest)]
    found = {one.model_id: one.manifest for one in same}
    if not found:
        return None
    if history.current in found:
        return found[history.current], ""
    model_id, manifest = next(iter(found.items()))
    if not any(one.model_id == history.current and can_be_loaded(one.folder, one.manifest) for one in usable):
        return manifest, f"; {decide(task, model_id)}"
    by_hand = next((one for one in reversed(history.changes) if one.reason in (PROMOTE, ROLLBACK)), None)
    promoting = f"`{shown_command(f'promote {task} {model_id}')}` makes it the current one"
    if by_hand is not None and by_hand is history.changes[-1] and manifest.get("trained_at", "") <= by_hand.at:
        return manifest, f"; {by_hand.model_id} is current, by a {by_hand.reason}: {promoting}"
    if model_id in history.lost:
        return manifest, f"; it is kept as worse than the current one: {promoting}"
    return manifest, f"; {decide(task, model_id)}"
