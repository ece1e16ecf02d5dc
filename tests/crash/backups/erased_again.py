"""What a restore erases again in a process of the kills: an order, and models that had learnt it."""

from __future__ import annotations

import json
from pathlib import Path

import loader.declarations
from ml.erasing.before import Before
from ml.erasing.erase import Erasure, erase_from_models
from ml.erasing.marks import Learnt, marked
from ml.erasing.report import ErasedFromModels
from pipeline.erasing import erase as erasing
from pipeline.erasing.finishing import steps
from pipeline.erasing.finishing.backup_logs import log_in_backups
from pipeline.erasing.lineage import Lineage
from tests.support.erasing import erase
from waybill.settings import get_settings


def erase_after_backup() -> None:
    """Erase an order from the raw table, and write that to the log beside the backup."""
    assert erase("NE-7-2013~-12~-01", name="orders").documents == 1
    log_in_backups()


def know_orders(declared: Path) -> None:
    """Let this process know the source `orders`, which no model of the project reads, and mark models as it erases."""
    loader.declarations.SOURCES = loader.declarations.CONTRACTS = declared
    erasing.read_lineage = lambda: Lineage({}, {})
    steps.erase_from_models = _mark_models


def _mark_models(order: Erasure, before: Before) -> ErasedFromModels:
    """Mark all models as if they had learnt the order; a kill can leave half of a manifest."""
    for path in get_settings().models_folder.glob("*/*/manifest.json"):
        manifest = marked(json.loads(path.read_text()), order.erasure_id, Learnt(1), is_refused=False)
        path.write_text(json.dumps(manifest))
    return erase_from_models(order, before)
