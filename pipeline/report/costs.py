"""The report's facts about each stage: its last run, the resources it used, and how they changed over the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, selectinload

from pipeline.consumption.display import ALL_COLUMNS, figures, methods
from pipeline.consumption.history import compare, similar_runs
from pipeline.report.line_pictures import History, draw_history
from warehouse.ledger import StageRun


@dataclass(frozen=True)
class StageCost:
    """One stage: the record of its last run and, if it was measured, its figures, parts and history.

    `increases` are sentences about what became a fifth more expensive than usual.
    """

    record: Mapping[str, Any]
    figures: list[str] | None
    parts: list[str]
    history: History | None
    increases: list[str]


@dataclass(frozen=True)
class Costs:
    """All stages, and how their energy was measured or estimated."""

    stages: list[StageCost]
    methods: list[str]

    @property
    def increases(self) -> list[str]:
        """What became a fifth more expensive than usual, a sentence each."""
        return [line for stage in self.stages for line in stage.increases]


def gather_costs(connection: Connection, records: Sequence[Mapping[str, Any]]) -> Costs:
    """Return each stage's record with its last measurement from the ledger."""
    with Session(connection) as session:
        newest = select(StageRun).ext(distinct_on(StageRun.stage)).where(StageRun.kind == "stage")
        found = session.scalars(
            newest.options(selectinload(StageRun.parts)).order_by(StageRun.stage, StageRun.started_at.desc())
        )
        measured = {row.stage: row for row in found}
        shown = [record for record in records if record.get("name") != "report"]  # it is still running
        stages = [_cost(session, record, measured.get(str(record.get("name")))) for record in shown]
        rows = [measured[str(record["name"])] for record in shown if record.get("name") in measured]
        return Costs(stages, methods(rows))


def _cost(session: Session, record: Mapping[str, Any], row: StageRun | None) -> StageCost:
    if row is None:
        return StageCost(record, None, [], None, [])
    before = similar_runs(session, row)
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
