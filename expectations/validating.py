"""Runs a checkpoint with Great Expectations and renders its results; keeps the last few results of each suite."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from expectations.assets import Asset, read_assets
from expectations.failures import list_failures
from expectations.project import DATASOURCE, data_docs_folder, open_project, validations_folder
from waybill.atomic_files import write_atomic
from waybill.settings import Settings

MAX_KEPT_RUNS = 5


def validate(settings: Settings, checkpoint: str, validated: Sequence[Asset]) -> list[Any]:
    """Run the checkpoint on the assets, then render its results; return one validation result per suite."""
    _remove_old_results(settings, validated)
    with open_project(settings, checkpoint, validated) as project:
        from great_expectations.core import RunIdentifier

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = project.checkpoints.get(checkpoint).run(run_id=RunIdentifier(run_name=checkpoint))
            _let_warnings_pass(settings, list(result.run_results.values()), validated)
            project.build_data_docs()
            project.data_sources.get(DATASOURCE).get_execution_engine().engine.dispose()
    shutil.rmtree(data_docs_folder(settings) / "static", ignore_errors=True)
    return list(result.run_results.values())


def _remove_old_results(settings: Settings, validated: Sequence[Asset]) -> None:
    known = read_assets()
    for results in validations_folder(settings).glob("results/*"):
        if results.name not in known:  # of a source whose files were deleted: no suite is left to render them with
            shutil.rmtree(results)
    for asset in validated:
        runs = sorted(validations_folder(settings).glob(f"results/{asset.name}/*/*"), key=lambda path: path.name)
        for run in runs[: -(MAX_KEPT_RUNS - 1)]:
            shutil.rmtree(run)
    for file in validations_folder(settings).glob("results/*/*/*/*.json"):
        if not _is_complete(file):
            file.unlink()


def _let_warnings_pass(settings: Settings, results: Sequence[Any], validated: Sequence[Asset]) -> None:
    """Store a result as successful if only warnings failed, so that Data Docs show that the gate passed."""
    passed = {result.suite_name for result in results if not result.success} - {
        failure.suite for failure in list_failures(results) if failure.is_critical
    }
    for name in passed & {asset.name for asset in validated}:
        file = max(validations_folder(settings).glob(f"results/{name}/*/*/*.json"), key=lambda path: path.parent.name)
        content = json.loads(file.read_text(encoding="utf-8"))
        write_atomic(file, json.dumps(content | {"success": True}, indent=2))


def _is_complete(file: Path) -> bool:
    """Return whether a result is complete JSON: a full disk or a killed run can leave a truncated file."""
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True
