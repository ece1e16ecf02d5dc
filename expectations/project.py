"""Composes the Great Expectations project from the files in `context/` and opens it.

The committed project lists no asset: `great_expectations.yml` has none, a checkpoint has no validation definitions.
They are added in a temporary copy, so a new asset only adds files, and Great Expectations never writes to `context/`.
All ids are derived from names and never change.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import yaml

from expectations import assets
from expectations.assets import Asset
from expectations.errors import BrokenAsset
from warehouse.connection import engine
from waybill.project.file_tags import MEMBER
from waybill.settings import Settings, relative_name
from waybill.temporary_files import temporary_folder

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.file_data_context import FileDataContext

IDS = UUID("5d2f2f2b-94a2-5c0b-9b55-7f0f1f2a6a01")  # the project's own id, `data_context_id`
DATASOURCE = "warehouse"
WHOLE = "whole"  # the batch definition of every asset: all rows of its query


def derived_id(*parts: str) -> str:
    """Return the id of a part of the project, e.g. of `asset`, `raw_cafes`: the same on every machine."""
    return str(uuid5(IDS, "/".join(parts)))


@contextmanager
def open_project(settings: Settings, checkpoint: str, validated: Sequence[Asset]) -> Iterator[FileDataContext]:
    """Open the project on the warehouse, with the role reader and without telemetry.

    The checkpoint validates the given assets. Results go to `validation/` in the reports folder, Data Docs to
    `data_docs/`.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    logging.getLogger("great_expectations.render.renderer.site_builder").handlers = [_RaiseOSError()]
    for made in (validations_folder(settings), data_docs_folder(settings)):
        made.mkdir(parents=True, exist_ok=True)
    with temporary_folder() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compose_project(folder, checkpoint, validated)
        import great_expectations

        yield great_expectations.get_context(
            mode="file",
            context_root_dir=str(folder),
            runtime_environment={
                "WAYBILL_CONNECTION": engine("reader").url.render_as_string(hide_password=False),
                "WAYBILL_VALIDATIONS": str(validations_folder(settings) / "results"),
                "WAYBILL_DATA_DOCS": str(data_docs_folder(settings)),
            },
        )


def compose_project(folder: Path, checkpoint: str, validated: Sequence[Asset]) -> None:
    """Write a project into the folder: the committed one, with the assets and what validates them in the checkpoint."""
    (folder / "suites").mkdir(parents=True)
    for suite in (assets.CONTEXT / "suites").glob("*.json"):  # copytree would hide why a file cannot be written
        _write_json(folder / "suites" / suite.name, _read_suite(suite))
    project = yaml.safe_load((assets.CONTEXT / "great_expectations.yml").read_text(encoding="utf-8"))
    datasource = project["fluent_datasources"][DATASOURCE]
    datasource["assets"] = {asset.name: _asset_block(asset) for asset in validated}
    (folder / "great_expectations.yml").write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")
    for asset in validated:
        definition = _validation_definition(asset, datasource["id"])
        _write_json(folder / "validation_definitions" / f"{asset.name}.json", definition)
    committed = json.loads((assets.CONTEXT / "checkpoints" / f"{checkpoint}.json").read_text(encoding="utf-8"))
    listed = [{"name": asset.name, "id": derived_id("validation", asset.name)} for asset in validated]
    _write_json(folder / "checkpoints" / f"{checkpoint}.json", committed | {"validation_definitions": listed})


def _asset_block(asset: Asset) -> dict[str, Any]:
    return {
        "type": "query",
        "id": derived_id("asset", asset.name),
        "batch_metadata": {},
        "batch_definitions": {WHOLE: {"id": derived_id("batch", asset.name), "partitioner": None}},
        "query": asset.query,
    }


def _validation_definition(asset: Asset, datasource_id: str) -> dict[str, Any]:
    suite = _read_suite(assets.CONTEXT / "suites" / f"{asset.name}.json")
    return {
        "name": asset.name,
        "id": derived_id("validation", asset.name),
        "data": {
            "datasource": {"name": DATASOURCE, "id": datasource_id},
            "asset": {"name": asset.name, "id": derived_id("asset", asset.name)},
            "batch_definition": {"name": WHOLE, "id": derived_id("batch", asset.name)},
        },
        "suite": {"name": suite["name"], "id": suite["id"]},
    }


def _read_suite(file: Path) -> dict[str, Any]:
    """Return a suite as Great Expectations takes it, which refuses members that it does not know: without the tag.

    Raises:
        BrokenAsset: the file is not JSON.
    """
    try:
        suite = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BrokenAsset(f"{relative_name(file)} is not JSON: {error}; correct it") from None
    return {name: value for name, value in suite.items() if name != MEMBER}


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


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
