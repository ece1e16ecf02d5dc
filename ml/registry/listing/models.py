"""Lists the models of a task: figures, verdict, state, and whether each is stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ml.erasing.marks import describe_marks, erased_rows, is_refused
from ml.learning.summary import SUMMARY_METRICS, kind_of
from ml.registry.folders import FoundModel, find_models
from ml.registry.history import History, current_id, read_history
from ml.registry.listing.stored import StoredPredictions, read_stored
from ml.registry.model_bytes import file_problem
from ml.registry.verdict import Verdict, read_verdict
from waybill.cli import shown_command
from waybill.text import counted, shown

STATES = ("current", "challenger", "kept", "not usable")


@dataclass(frozen=True)
class ListedModel:
    """One model; `rows` says if it has predictions.

    `staleness` is that of its check (fresh, stale, outdated), unknown, or that its file changed.
    """

    found: FoundModel
    state: str
    verdict: Verdict | None
    later: Verdict | None
    staleness: str
    rows: bool


@dataclass(frozen=True)
class Listed:
    """The models of a task, the current one first; `shown` is the model whose predictions the view has."""

    task: str
    models: list[ListedModel]
    history: History
    shown: str | None


def list_models(task: str) -> Listed:
    """Return the models of a task; without a warehouse that answers, what is known without it."""
    stored = read_stored(task)
    history, current = read_history(task), current_id(task)
    models = [_listed(model, history, current, stored) for model in find_models(task)]
    models.sort(key=lambda one: STATES.index(one.state))
    return Listed(task, models, history, stored.shown)


def _listed(model: FoundModel, history: History, current: str | None, stored: StoredPredictions) -> ListedModel:
    name = model.model_id
    state = "current" if name == current else "challenger" if name == history.challenger else "kept"
    is_changed = not model.problem and file_problem(model.folder, model.manifest)
    staleness = stored.staleness.get(name, "not checked" if stored.is_known else "unknown")
    return ListedModel(
        model,
        "not usable" if model.problem else state,
        read_verdict(model.folder),
        read_verdict(model.folder, is_later=True),
        "file changed" if is_changed else staleness,
        name in stored.models,
    )


def as_json(listed: Listed) -> dict[str, Any]:
    """Return the list as JSON: everything that the text says, with the ids of all changes."""
    return {
        "task": listed.task,
        "shown": listed.shown,
        "models": [
            {
                "model_id": one.found.model_id,
                "state": one.state,
                "problem": one.found.problem or None,
                "trained_at": one.found.manifest.get("trained_at"),
                "candidate": one.found.manifest.get("chosen"),
                "metrics": one.found.manifest.get("metrics"),
                "verdict": asdict(one.verdict) if one.verdict else None,
                "later_verdict": asdict(one.later) if one.later else None,
                "staleness": one.staleness,
                "erased_rows": erased_rows(one.found.manifest),
                "is_refused": is_refused(one.found.manifest),
                "has_predictions": one.rows,
            }
            for one in listed.models
        ],
        "changes": [asdict(change) for change in listed.history.changes],
    }


def as_text(listed: Listed) -> Iterator[str]:
    """Yield the list as lines: two or three a model, then what differs between the folder and the warehouse."""
    if not listed.models:
        command = shown_command(f"train --task {listed.task}")
        yield f"{listed.task}: no model; `{command}` trains one"
        return
    yield f"{listed.task}: {counted(len(listed.models), 'model')}"
    for one in listed.models:
        if one.found.problem:
            yield f"  {shown(one.found.model_id)}  {one.state}: it {one.found.problem}"
            continue
        yield f"  {one.found.model_id}  {one.state}, {_facts(one)}"
        if marks := describe_marks(one.found.manifest):
            yield f"    {'refused: ' if is_refused(one.found.manifest) else ''}{marks}"
        yield from (f"    {shown(str(verdict))}" for verdict in (one.verdict, one.later) if verdict)
    current = next((one for one in listed.models if one.state == "current"), None)
    if listed.models and current is None:
        yield f"  none of them is the current one: `{shown_command(f'promote {listed.task} MODEL')}` makes one so"
    if current and listed.shown and listed.shown != current.found.model_id:
        command = shown_command(f"score --task {listed.task}")
        yield f"  predictions.{listed.task} still shows {listed.shown}: `{command}` shows the current model's"


def _facts(one: ListedModel) -> str:
    manifest = one.found.manifest
    figures = manifest.get("metrics", {})
    named = [f"{name} {figures[name]:.4f}" for name in SUMMARY_METRICS[kind_of(manifest)] if name in figures]
    trained = str(manifest.get("trained_at", ""))[:16].replace("T", " ")
    scored = "scored" if one.rows else "not scored"
    test = f"test {', '.join(named)}" if named else "without figures"
    return f"{manifest.get('chosen', '?')} of {trained} UTC, {test}, {one.staleness}, {scored}"
