"""Builds what is downstream of a source, so that an erasure reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from pipeline.dbt.build import build
from pipeline.erasing.kinds import Kind, Relation
from pipeline.erasing.lineage import Downstream, Lineage
from pipeline.erasing.outside import refresh_views
from warehouse.connection import connect, cursor_of

MADE_AGAIN = (Kind.TABLE, Kind.MATERIALIZED_VIEW, Kind.REBUILT)
# Marts that lost rows at the end of a run, after the models that read them: macros/keys/delete_unused_rows.sql.
LOST_ROWS = "select mart from intermediate.rows_deleted where deleted_at >= %s"


def build_downstream(lineage: Lineage, downstream: Downstream, outside: Sequence[Relation] = ()) -> tuple[int, str]:
    """Build and test the models of a source; return the number of mart rows written and a summary.

    Models that work by batches process the erasure; those that are made again in every run are, and incremental models
    that know nothing of batches are rebuilt. If a dimension lost inferred rows at the end of the run, what was built
    from it before is made again. Materialized views `outside` of the models are refreshed. A source without models
    takes no time.

    Raises:
        DeclarationsChanged, DbtFailed: as `build` raises them.
    """
    if not downstream.relations:
        return 0, "no model reads it"
    started = _now()
    rows, summary = _build(*downstream.selection)
    while stale := _read_before(lineage, started):
        started = _now()
        rows += _build(*stale)[0]
    with closing(connect("owner")) as owner:
        refused = refresh_views(owner, outside)
    return rows, summary + (f"; cannot refresh {', '.join(map(str, refused))}" if refused else "")


def _build(*selection: str) -> tuple[int, str]:
    return build("--select", *selection, "--exclude-resource-type", "unit_test")


def _read_before(lineage: Lineage, started: datetime) -> list[str]:
    """Return the models that were built from marts which lost rows since."""
    with cursor_of("transformer") as cursor:
        cursor.execute(LOST_ROWS, [started])
        marts = [mart for (mart,) in cursor.fetchall()]
    made = [relation.node for relation in lineage.readers_of(marts) if relation.kind in MADE_AGAIN]
    return sorted(lineage.nodes[node].name for node in made if node)


def _now() -> datetime:
    with cursor_of("transformer") as cursor:
        cursor.execute("select clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]
