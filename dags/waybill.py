"""Waybill's stages as DAGs of Airflow: one task for each stage of pipeline/stages.yml, in the same order.

A task runs `.venv/bin/waybill run STAGE --wait` of this checkout, in the project's own environment: this file imports
Airflow, and yaml, which comes with it. docs/airflow.md explains schedule, retries, backfills and assets.
"""

from __future__ import annotations

import ctypes
import logging
import os
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from airflow.sdk import DAG, Asset, BaseOperator, Context, CronDataIntervalTimetable, Param
from airflow.sdk.exceptions import AirflowException, AirflowFailException

PROJECT = Path(__file__).resolve().parents[1]
WAYBILL = PROJECT / ".venv" / "bin" / "waybill"
STAGES: list[dict[str, Any]] = yaml.safe_load((PROJECT / "pipeline" / "stages.yml").read_text(encoding="utf-8"))
TRY_AGAIN_HELPS = 75  # the command's exit code if a retry may help, such as when the server is away
PARENT, ROOT_PARENT = "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_ROOT_PARENT_ID"
DATE = {"type": ["null", "string"], "pattern": r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"}


class StageOperator(BaseOperator):
    """Runs one stage as a command of the project, and writes the command's output to the task's log."""

    def __init__(self, *, stage: str, **options: Any) -> None:
        """Take the stage's name, and the options of every operator."""
        super().__init__(**options)
        self.stage = stage
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> None:
        """Run the stage until it ends.

        Raises:
            AirflowFailException: a gate or another error stopped the stage, and a retry would not help.
            AirflowException: the command was killed, or its error may be over a little later.
        """
        command = [str(WAYBILL), "run", self.stage, "--wait", *(date_options(context) if self.stage == "load" else [])]
        self.log.info("%s", shlex.join(command))
        last = ""
        self._process = subprocess.Popen(
            command, cwd=PROJECT, env={**project_environment(), **lineage_parent(context)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            errors="replace", start_new_session=True, preexec_fn=_end_with_parent(),
        )  # fmt: skip
        with self._process as process:
            for line in process.stdout or ():
                last = line.rstrip() or last
                self.log.log(logging.ERROR if line.startswith("error: ") else logging.INFO, "%s", line.rstrip())
        code = process.returncode
        if code < 0:
            raise AirflowException(f"{self.stage} was ended by {signal.Signals(-code).name}: nothing half-done is left")
        if code > 128 or code == TRY_AGAIN_HELPS:
            raise AirflowException(last)
        if code:
            raise AirflowFailException(last)

    def on_kill(self) -> None:
        """End the command; it undoes what it has not completed and gives its lock back."""
        if self._process:
            self._process.terminate()


def date_options(context: Any) -> list[str]:
    """Return the range of dates that a load asks for: the run's parameters or, in a backfill, its data interval."""
    asked = context["params"]
    run = context["dag_run"]
    first, last = asked.get("from"), asked.get("to")
    if run.run_type == "backfill" and not (first or last):
        first = run.data_interval_start.date().isoformat()
        last = (run.data_interval_end - timedelta(microseconds=1)).date().isoformat()  # both days are included
    return [*(["--from", first] if first else []), *(["--to", last] if last else [])]


def project_environment() -> dict[str, str]:
    """Return this process's variables, without those of Airflow and of its Python."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {
        name: value for name, value in os.environ.items() if name not in ours and not name.startswith(("AIRFLOW", "_"))
    }


def lineage_parent(context: Any) -> dict[str, str]:
    """Return the variables that name the parent of a stage's OpenLineage events, and the parent's own parent.

    Where Airflow's OpenLineage provider is installed, the parent is the task's run under the id that the provider gives
    it. Otherwise the parent is the DAG's run, under an id that all of its tasks compute alike.
    """
    try:
        from airflow.providers.openlineage.plugins.macros import lineage_parent_id, lineage_root_parent_id

        task = context["ti"]
        return {PARENT: lineage_parent_id(task), ROOT_PARENT: lineage_root_parent_id(task)}
    except ImportError:
        pass
    except Exception as error:  # a stage does not fail because of its events
        logging.getLogger(__name__).warning("the OpenLineage provider names no parent error=%s", type(error).__name__)
    run, namespace = context["dag_run"], os.environ.get("OPENLINEAGE_NAMESPACE") or "airflow"
    run_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{run.dag_id}/{run.run_id}")
    return dict.fromkeys((PARENT, ROOT_PARENT), f"{namespace}/{run.dag_id}/{run_id}")


def _end_with_parent() -> Callable[[], object] | None:
    """Return what makes the kernel end a command when its task is killed, so that a retry does not wait for it.

    The library is loaded here: between fork and exec, an import could wait for a lock that no thread gives back.
    """
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return lambda: library.prctl(1, signal.SIGTERM)


def outlets(stage: dict[str, Any]) -> list[Asset]:
    """Return what exists after a stage, as assets. What a gate checks exists after its gate has passed."""
    made = [] if gate_of(stage) else [stage]
    made += [entry for entry in STAGES if gate_of(entry) == stage["name"]]
    return [Asset("waybill_" + entry["makes"].replace(" ", "_").lower()) for entry in made if entry.get("makes")]


def gate_of(stage: dict[str, Any]) -> str | None:
    """Return the stage that checks what another stage makes: it makes nothing itself, and waits for that one alone."""
    checks = (entry["name"] for entry in STAGES if not entry.get("makes") and entry.get("after") == [stage["name"]])
    return next(checks, None)


def make_dag(dag_id: str, description: str, schedule: str, start_date: datetime) -> DAG:
    """Return the stages as a DAG; the schedule is a cron expression in UTC, or none."""
    with DAG(
        dag_id=dag_id,
        description=description,
        doc_md=f"{description} The end of a failed task's log says what to look at. See `docs/airflow.md`.",
        schedule=None if schedule == "none" else CronDataIntervalTimetable(schedule, timezone="UTC"),
        start_date=start_date,
        catchup=False,
        max_active_runs=1,
        params={
            "from": Param(
                None, title="From", description="Load only files of this day, month or year, or later", **DATE
            ),
            "to": Param(None, title="To", description="Load only files of this day, month or year, or earlier", **DATE),
        },
        tags=["waybill"],
    ) as dag:
        tasks = {stage["name"]: make_task(stage) for stage in STAGES}
        for stage in STAGES:
            tasks[stage["name"]] << [tasks[name] for name in stage["after"]]
    return dag


def make_task(stage: dict[str, Any]) -> StageOperator:
    """Return the task of a stage, in the DAG of the surrounding block."""
    return StageOperator(
        task_id=stage["name"],
        stage=stage["name"],
        doc=stage["does"],
        outlets=outlets(stage),
        retries=3 if stage.get("retries") else 0,
        retry_delay=timedelta(seconds=30),
        retry_exponential_backoff=2,
        max_retry_delay=timedelta(minutes=10),
    )


waybill = make_dag(
    "waybill",
    "Runs all stages on what is new.",
    os.environ.get("WAYBILL_SCHEDULE") or "@daily",
    datetime(2000, 1, 1, tzinfo=UTC),
)
# A start far away: Airflow itself schedules no run, which would load the files of all months before the backfill does.
waybill_by_month = make_dag(
    "waybill_by_month",
    "For backfills: one run a month, which loads its files.",
    "@monthly",
    datetime(2999, 1, 1, tzinfo=UTC),
)
