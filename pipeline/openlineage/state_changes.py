"""What a listener notes about some work, before it becomes an event: its state, its time and its parents."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import psycopg2

from waybill.errors import WaybillError
from waybill.observing.work import Work

State = Literal["START", "COMPLETE", "FAIL", "ABORT"]
NAMESPACE = "waybill"  # of jobs, unless OPENLINEAGE_NAMESPACE names another one
KINDS = {"stage": "pipeline", "model": "dbt", "test": "dbt"}  # kind of work -> the beginning of its job's name
ENDED = "its process ended without recording an outcome"
PARENT, ROOT_PARENT = "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_ROOT_PARENT_ID"  # variables


@dataclass(frozen=True)
class Named:
    """A run and its job, as a child names them."""

    run_id: str
    namespace: str
    job: str


@dataclass(frozen=True)
class Begun:
    """Some work that began, with the work that it is a part of and the outermost one."""

    work: Work
    parent: Named | None = None
    root: Named | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def named(self) -> Named:
        """This work as a parent."""
        return Named(str(self.work.run_id), job_namespace(), job_name(self.work))

    def as_json(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        work = self.work
        own = {"run_id": str(work.run_id), "kind": work.kind, "name": work.name, "facts": work.facts}
        return {**own, "parent": _as_list(self.parent), "root": _as_list(self.root), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Begun:
        """Return what the journal has kept."""
        work = Work(kept["kind"], kept["name"], kept["facts"], run_id=UUID(kept["run_id"]))
        parent, root = (Named(*kept[name]) if kept[name] else None for name in ("parent", "root"))
        return cls(work, parent, root, datetime.fromisoformat(kept["at"]))


@dataclass(frozen=True)
class StateChange:
    """The start or the end of some work; `error` says what stopped it, without any value of a row."""

    state: State
    begun: Begun
    error: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def _as_list(named: Named | None) -> list[str] | None:
    return [named.run_id, named.namespace, named.job] if named else None


def job_name(work: Work) -> str:
    """Return the name of the job, such as `pipeline`, `pipeline.load`, `load.orders` or `dbt.stg_orders.test`."""
    if work.kind == "run":
        return work.name
    return f"{KINDS.get(work.kind, work.kind)}.{work.name}{'.test' if work.kind == 'test' else ''}"


def job_namespace() -> str:
    """Return the namespace of jobs: OPENLINEAGE_NAMESPACE, as for OpenLineage's own integrations."""
    return os.environ.get("OPENLINEAGE_NAMESPACE") or NAMESPACE


def given_parent(variable: str) -> Named | None:
    """Return the run that a variable names as `namespace/job/run id`."""
    parts = os.environ.get(variable, "").rsplit("/", 2)
    try:
        namespace, job, run_id = parts
        return Named(str(UUID(run_id)), namespace, job)
    except ValueError:
        return None


def as_variable(named: Named) -> str:
    """Return the value by which a variable names a run."""
    return f"{named.namespace}/{named.job}/{named.run_id}"


def end_state(error: BaseException | None) -> State:
    """Return the state of a terminal event."""
    if error is None:
        return "COMPLETE"
    return "FAIL" if isinstance(error, Exception) else "ABORT"


def describe_error(error: BaseException | None) -> str | None:
    """Return what stopped some work: the error's class and what it means. Its own text may quote values of a row."""
    if error is None:
        return None
    name = type(error).__name__
    if isinstance(error, WaybillError):
        means = " ".join((type(error).__doc__ or "").split()).partition(". ")[0].rstrip(".")
        return f"{name}: {means.removeprefix('Raised ')}" if means else name
    if isinstance(error, psycopg2.Error) and error.pgcode:
        return f"{name}: SQLSTATE {error.pgcode}"
    return name
