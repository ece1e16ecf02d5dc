"""Writes the dbt source of a source's raw table, as `waybill sources --write` makes it from the declaration."""

from __future__ import annotations

import yaml

from loader.declarations import Source
from pipeline.dbt.sources_yml import source_yml
from pipeline.modelling.design import Design
from pipeline.modelling.writing.declaration import declaration


def files(design: Design) -> dict[str, str]:
    """Return the file by its path in the project."""
    source = Source.model_validate(yaml.safe_load(declaration(design)))
    return {f"dbt_project/models/staging/{design.source}/_raw_{design.source}.yml": source_yml(source)}
