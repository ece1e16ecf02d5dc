"""Builds what is downstream of a source, so that an erasure reaches it."""

from __future__ import annotations

from pipeline.dbt.build import build
from pipeline.erasing.lineage import Downstream


def build_downstream(downstream: Downstream) -> tuple[int, str]:
    """Build and test the models of a source; return the number of mart rows written and a summary.

    Models that work by batches process the erasure; those that are made again in every run are, and incremental models
    that know nothing of batches are rebuilt. A source without models takes no time.

    Raises:
        DeclarationsChanged, DbtFailed: as `build` raises them.
    """
    if not downstream.relations:
        return 0, "no model reads it"
    return build("--select", f"source:raw.{downstream.source}+", "--exclude-resource-type", "unit_test")
