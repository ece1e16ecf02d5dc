"""Reads what the warehouse holds of a task's models: their predictions, whose are shown, and their checks."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml.checking.checks import read_checks
from ml.prediction_tables.by_model import read_states
from ml.prediction_tables.view import shown_model
from ml.registry.folders import usable_models
from warehouse.connection import cursor_of
from warehouse.errors import WarehouseError


@dataclass(frozen=True)
class StoredPredictions:
    """The model that the view shows, those with predictions, id → staleness; nothing is known if nobody answered."""

    is_known: bool = False
    shown: str | None = None
    models: list[str] = field(default_factory=list)
    staleness: dict[str, str] = field(default_factory=dict)


def read_stored(task: str) -> StoredPredictions:
    """Return what the warehouse holds; it is not needed to list models, so one that is away makes no error."""
    try:
        with cursor_of("reader") as cursor:
            shown, models = shown_model(cursor, task), list(read_states(cursor, task))
        checks = read_checks(task, [model.model_id for model in usable_models(task)])
    except WarehouseError:
        return StoredPredictions()
    words = {
        name: "outdated" if check.is_outdated else "STALE" if check.is_stale else "fresh"
        for name, check in checks.items()
    }
    return StoredPredictions(True, shown, models, words)
