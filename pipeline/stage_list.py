"""Reads `stages.yml`: the stages of a run in order, and which of them wait for which."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import StagesBroken
from waybill.declared.mistakes import describe_mistakes
from waybill.declared.yaml_files import read_yaml
from waybill.settings import relative_name

STAGES = Path(__file__).with_name("stages.yml")
STAGE_COMMAND = "stage"  # of a run in the ledger, before the names of the stages that it runs


class Stage(BaseModel):
    """One step of a run: what it does, which stages it waits for, what exists after it.

    `gate` is what to look at when it stops the run. While a stage that is `alone` works, no other one does. One with
    `retries` may be tried again by a scheduler.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    does: str
    after: tuple[str, ...]
    makes: str | None = None
    gate: str | None = None
    shows_progress: bool = False
    alone: bool = False
    retries: bool = False


class _StageList(BaseModel):
    stages: list[Stage]


def read_stages(path: Path = STAGES) -> list[Stage]:
    """Return the stages in order: each comes after all that it waits for.

    Raises:
        StagesBroken: the file cannot be read, a field is wrong, or a stage waits for one that does not come before it.
    """
    try:
        stages = _StageList.model_validate({"stages": read_yaml(path, StagesBroken)}).stages
    except ValidationError as error:
        raise StagesBroken(f"{relative_name(path)}: {describe_mistakes(error, _StageList)}; correct it") from None
    if problem := _find_problem(stages):
        raise StagesBroken(f"{relative_name(path)}: {problem}")
    return stages


def find_stage(name: str) -> Stage:
    """Return the stage of this name, of those in `stages.yml`."""
    return next(stage for stage in read_stages() if stage.name == name)


def _find_problem(stages: Sequence[Stage]) -> str | None:
    """Return what is wrong with the order of the stages, and what to do; None if it is right."""
    names = [stage.name for stage in stages]
    before: set[str] = set()
    for stage in stages:
        if stage.name in before:
            return f"stage {stage.name} is listed twice: remove one"
        for other in stage.after:
            if other not in names:
                near = difflib.get_close_matches(other, names, n=1)
                remedy = f"did you mean {near[0]}?" if near else "list it, or remove the name"
                return f"stage {stage.name} waits for {other}, which is not a stage: {remedy}"
            if other == stage.name or other in waiting_for(stages, [stage.name]):
                return f"stage {stage.name} would wait for itself (after: {other}): remove a name under `after`"
            if other not in before:
                return f"stage {stage.name} waits for {other}, which is listed below it: list {other} first"
        before.add(stage.name)
    return None


def waiting_for(stages: Sequence[Stage], names: Collection[str]) -> set[str]:
    """Return the names of the stages that wait for one of these, directly or through others."""
    found: set[str] = set()
    reached = set(names)
    while reached:
        reached = {stage.name for stage in stages if reached & set(stage.after)} - found
        found |= reached
    return found
