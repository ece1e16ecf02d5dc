"""Refuses a source whose models would have the names of models that exist, its child tables included."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import ModellingRefused
from pipeline.modelling.design import Design, Table
from waybill.settings import PROJECT

MODELS = PROJECT / "dbt_project" / "models"


def check_names(design: Design, sources: Iterable[str], models: Path = MODELS) -> None:
    """Check that no model of a design has a name that is taken. `sources` are the declared sources.

    Raises:
        ModellingRefused: a name is taken. What the source itself has already is not.
    """
    existing = {path.stem: path for path in sorted(models.rglob("*.sql")) if not _is_own(path, design.source)}
    others = {f"stg_{source}" for source in sources if source != design.source}
    for table in design.tables:
        for name in (design.mart(table), design.staging(table)):
            if name in existing:
                where = existing[name].relative_to(models.parent.parent)
                raise ModellingRefused(f"{_what(design, table)} exists: {name} is in {where}; {_advice(table)}")
            if name in others:
                source = name.removeprefix("stg_")
                raise ModellingRefused(f"{name} would be the staging model of source {source}, too; {_advice(table)}")


def _is_own(path: Path, source: str) -> bool:
    return path.parent.name == source


def _what(design: Design, table: Table) -> str:
    return f"source {design.source}" if table.parent is None else f"a model for {table.path}"


def _advice(table: Table) -> str:
    if table.parent is None:
        return "choose another name for the source"
    return f"give the table another name with --table {table.path}=NAME"
