"""Opens the Great Expectations project in `context/` and lists its checkpoints, assets and queries."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from expectations.errors import NoSuchCheckpoint
from warehouse.connection import engine
from waybill.settings import Settings

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.file_data_context import FileDataContext

CONTEXT = Path(__file__).with_name("context")


def checkpoint_names() -> list[str]:
    """Return the names of the committed checkpoints."""
    return sorted(path.stem for path in (CONTEXT / "checkpoints").glob("*.json"))


@cache
def asset_queries() -> dict[str, str]:
    """Return the query of each asset."""
    project = yaml.safe_load((CONTEXT / "great_expectations.yml").read_text(encoding="utf-8"))
    assets = project["fluent_datasources"]["warehouse"]["assets"]
    return {name: asset["query"] for name, asset in assets.items()}


def checkpoint_assets(checkpoint: str) -> list[str]:
    """Return the assets that the checkpoint validates, in its order.

    Raises:
        NoSuchCheckpoint: no committed checkpoint has this name.
    """
    if checkpoint not in checkpoint_names():
        raise NoSuchCheckpoint(f"there is no checkpoint {checkpoint}: choose from {', '.join(checkpoint_names())}")
    definitions = json.loads((CONTEXT / "checkpoints" / f"{checkpoint}.json").read_text(encoding="utf-8"))[
        "validation_definitions"
    ]
    files = [CONTEXT / "validation_definitions" / f"{definition['name']}.json" for definition in definitions]
    return [json.loads(file.read_text(encoding="utf-8"))["data"]["asset"]["name"] for file in files]


def open_project(settings: Settings) -> FileDataContext:
    """Open the project on the warehouse with the role reader and without telemetry.

    Results go to `validation/` in the reports folder, Data Docs to `data_docs/`; `context/` is only read.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    logging.getLogger("great_expectations.render.renderer.site_builder").handlers = [_RaiseOSError()]
    for folder in (validations_folder(settings), data_docs_folder(settings)):
        folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations

        return great_expectations.get_context(
            mode="file",
            context_root_dir=str(CONTEXT),
            runtime_environment={
                "WAYBILL_CONNECTION": engine("reader").url.render_as_string(hide_password=False),
                "WAYBILL_VALIDATIONS": str(validations_folder(settings) / "results"),
                "WAYBILL_DATA_DOCS": str(data_docs_folder(settings)),
            },
        )


class _RaiseOSError(logging.Handler):
    """Raises the OSError that kept a page from being written; the package would only log it and continue."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise the exception that is being logged, if it is an OSError."""
        error = sys.exception()
        if isinstance(error, OSError):
            raise error


def validations_folder(settings: Settings) -> Path:
    """Return the folder of validation results and of lists of failing rows."""
    return settings.reports_folder / "validation"


def data_docs_folder(settings: Settings) -> Path:
    """Return the folder of the Data Docs."""
    return settings.reports_folder / "data_docs"
