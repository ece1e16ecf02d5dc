"""What the page says of each stage: what it did last, what it took, and how that went over the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, selectinload

from pipeline.consumption.history import compare, like
from pipeline.consumption.words import ALL_COLUMNS, figures, methods
from pipeline.report.line_pictures import History, draw_history
from warehouse.ledger import StageRun


@dataclass(frozen=True)
class StageCost:
    """One stage: its record of the last run, and, where it was measured, its figures, parts and history."""

    record: Mapping[str, Any]
    figures: list[str] | None
    parts: list[str]
    history: History | None
    dearer: list[str]


@dataclass(frozen=True)
class Costs:
    """All stages, and how their energy was found."""

    stages: list[StageCost]
    methods: list[str]

    @property
    def dearer(self) -> list[str]:
        """What became a fifth dearer than it used to be."""
        return [line for stage in self.stages for line in stage.dearer]


def gather_costs(connection: Connection, records: Sequence[Mapping[str, Any]]) -> Costs:
    """Put what the ledger knows of each stage's last measurement beside its record."""
    with Session(connection) as session:
        newest = select(StageRun).ext(distinct_on(StageRun.stage)).where(StageRun.kind == "stage")
        found = session.scalars(
            newest.options(selectinload(StageRun.parts)).order_by(StageRun.stage, StageRun.started_at.desc())
        )
        measured = {row.stage: row for row in found}
        told = [record for record in records if record.get("name") != "report"]  # which writes this, and ends after it
        stages = [_cost(session, record, measured.get(str(record.get("name")))) for record in told]
        shown = [measured[str(record["name"])] for record in told if record.get("name") in measured]
        return Costs(stages, methods(shown))


def _cost(session: Session, record: Mapping[str, Any], row: StageRun | None) -> StageCost:
    if row is None:
        return StageCost(record, None, [], None, [])
    before = like(session, row)
    parts = [
        f"{part.part} {part.cpu_seconds:.1f} s" if part.cpu_seconds is not None else f"{part.part}: {part.unseen}"
        for part in row.parts
    ]
    is_whole = row.outcome == "succeeded"
    values = [one.cpu_seconds for one in reversed(before)] + ([row.cpu_seconds] if is_whole else [])
    return StageCost(
        record,
        [figures(row)[name] for name in ALL_COLUMNS],
        parts,
        draw_history(values, "s of CPU"),
        compare(row, before) if is_whole else [],
    )
