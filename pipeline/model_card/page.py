"""Writes `reports/model.html`, one card for each declared task that has a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from pipeline.model_card.card import ModelCard, gather_cards
from pipeline.model_card.provenance import MAX_BATCHES
from pipeline.report.model import SETS
from pipeline.report.rendering import render_page
from waybill.atomic_files import write_atomic
from waybill.settings import Settings

PAGE = "model.html"
TEMPLATES = Path(__file__).with_name("templates")


def write_model_card(connection: Connection, settings: Settings) -> Path | None:
    """Write the page, replacing it atomically, and return its path; without any model, remove an older page."""
    path: Path = settings.reports_folder / PAGE
    cards = gather_cards(connection)
    if not cards:
        path.unlink(missing_ok=True)
        return None
    write_atomic(path, render_cards(cards))
    return path


def render_cards(cards: Sequence[ModelCard]) -> str:
    """Return the page of some cards."""
    context = {"cards": cards, "class_columns": [*SETS, "precision", "recall", "ROC AUC"], "max_batches": MAX_BATCHES}
    return render_page("model.html.j2", context, templates=TEMPLATES)
