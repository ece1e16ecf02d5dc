"""Records in the ledger what stages and commands used, and finds those that used more than they usually do."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from pipeline.consumption.meter import Use
from pipeline.stage_list import STAGE_COMMAND
from warehouse.connection import engine
from warehouse.ledger import Run, StageRun, StageRunPart
from waybill.identifiers import uuid7

MAX_COMPARED = 10
MIN_COMPARED = 3
MIN_INCREASE = 1.2
MAX_ROWS_RATIO = 1.1  # runs over more or fewer rows than this did different work


@dataclass(frozen=True)
class Work:
    """The work that was measured: a stage of a run or a command, its start, its rows and its outcome."""

    kind: Literal["stage", "command"]
    name: str
    started_at: datetime
    rows: int
    outcome: Literal["succeeded", "failed"]
    run_id: UUID | None = None


@dataclass(frozen=True)
class Figure:
    """A figure that is compared: its column, the smallest increase that counts, and how it is shown."""

    column: str
    min_difference: float
    verb: str
    unit: str
    divisor: float


FIGURES = (
    Figure("wall_seconds", 1.0, "took", "s", 1),
    Figure("cpu_seconds", 0.5, "used", "s of CPU", 1),
    Figure("peak_bytes", 64e6, "held", "MB of memory", 1e6),
)


def record_use(work: Work, use: Use) -> list[str]:
    """Record what some work used; return a line for each figure that is a fifth above its usual value."""
    row = StageRun(
        stage_run_id=uuid7(),
        run_id=work.run_id,
        kind=work.kind,
        stage=work.name,
        machine=machine(),
        started_at=work.started_at,
        outcome=work.outcome,
        rows=work.rows,
        wall_seconds=use.wall_seconds,
        cpu_seconds=use.cpu_seconds,
        peak_bytes=use.peak_bytes,
        mean_bytes=use.mean_bytes,
        read_bytes=use.read_bytes,
        written_bytes=use.written_bytes,
        energy_joules=use.energy.joules,
        co2_grams=use.energy.grams_co2,
        energy_method=use.energy.method,
        assumptions=use.energy.assumptions,
        parts=[StageRunPart(**asdict(part)) for part in use.parts],
    )
    with Session(engine("loader"), expire_on_commit=False) as session:
        session.add(row)
        session.commit()
        return compare(row, similar_runs(session, row)) if work.outcome == "succeeded" else []


def similar_runs(session: Session, row: StageRun) -> Sequence[StageRun]:
    """Return up to ten earlier runs of the same stage on the same kind of machine over about as many rows."""
    return session.scalars(
        select(StageRun)
        .where(
            StageRun.kind == row.kind,
            StageRun.stage == row.stage,
            StageRun.machine == row.machine,
            StageRun.outcome == "succeeded",
            StageRun.rows.between(row.rows / MAX_ROWS_RATIO, row.rows * MAX_ROWS_RATIO),
            StageRun.started_at < row.started_at,
        )
        .order_by(StageRun.started_at.desc())
        .limit(MAX_COMPARED)
    ).all()


def compare(row: StageRun, before: Sequence[StageRun]) -> list[str]:
    """Return a line for each figure that is a fifth, and a relevant amount, above the median of earlier runs."""
    if len(before) < MIN_COMPARED:
        return []
    lines = []
    for figure in FIGURES:
        usual = float(median(getattr(one, figure.column) for one in before))
        value = float(getattr(row, figure.column))
        if value > usual * MIN_INCREASE and value - usual >= figure.min_difference:
            lines.append(
                f"more than usual: {row.stage} {figure.verb} {value / figure.divisor:,.1f} {figure.unit}, "
                f"{100 * (value / usual - 1):.0f} % more than {usual / figure.divisor:,.1f}, "
                f"the median of the last {len(before)} similar runs"
            )
    return lines


def stages_of_last_run(session: Session) -> list[StageRun]:
    """Return the stages of the last whole run that recorded any, in order."""
    whole = select(Run.run_id).where(Run.command.not_like(f"{STAGE_COMMAND} %"))
    last = select(StageRun.run_id).where(StageRun.run_id.in_(whole)).order_by(StageRun.started_at.desc()).limit(1)
    return stages_of_run(session, session.scalar(last))


def stages_of_run(session: Session, run_id: UUID | None) -> list[StageRun]:
    """Return the stages of a run in order."""
    stages = select(StageRun).options(selectinload(StageRun.parts)).order_by(StageRun.started_at)
    return list(session.scalars(stages.where(StageRun.run_id == run_id))) if run_id else []


@cache
def machine() -> str:
    """Return the kind of this machine, without its name: the number of cores and the processor."""
    model = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{os.cpu_count()} × {model}"
