"""The models of a task side by side: which one is current, which is its challenger, and with what verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.registry.folders import FoundModel, find_models
from ml.registry.history import read_history
from ml.registry.verdict import read_verdict
from pipeline.model_card.candidates import metrics_of
from pipeline.model_card.figures import FigureRow, FigureTable, figure_of

MAX_MODELS = 20  # on the page, the current one included
CURRENT, CHALLENGER = "current", "challenger"


@dataclass(frozen=True)
class Registry:
    """The models' figures on their test rows, the verdict on each, and how many more there are than are shown."""

    table: FigureTable
    verdicts: list[tuple[str, str]]
    more: int


def describe_registry(task: str, current: Mapping[str, Any]) -> Registry:
    """Return the models of a task, the current one first, then its challenger, then the newest.

    One that cannot be read is shown with its problem.
    """
    names, model_id = metrics_of(current), str(current["model_id"])
    roles = {read_history(task).challenger: CHALLENGER, model_id: CURRENT}
    models = sorted(find_models(task), key=lambda one: _place(roles.get(one.model_id)))
    shown = models[:MAX_MODELS]
    rows = [_row(model, roles.get(model.model_id, ""), names) for model in shown]
    found = [(model.model_id, read_verdict(model.folder)) for model in shown]
    return Registry(
        table=FigureTable("Models", "Each measured on its own test rows", "model", ["is"], list(names.values()), rows),
        verdicts=[(one, str(verdict)) for one, verdict in found if verdict],
        more=len(models) - len(shown),
    )


def _place(role: str | None) -> int:
    return (CURRENT, CHALLENGER, None).index(role)


def _row(model: FoundModel, role: str, names: Mapping[str, str]) -> FigureRow:
    chosen, trained_at = model.manifest.get("chosen", ""), str(model.manifest.get("trained_at", ""))
    return FigureRow(
        model.model_id,
        [figure_of(model.manifest.get("metrics", {}), name) for name in names],
        cells=[role or "–"],
        note=", ".join(filter(None, [chosen, trained_at[:16].replace("T", " ") + " UTC" if trained_at else ""])),
        warning="" if role == CURRENT else model.problem,
    )
