"""Builds events with the classes of OpenLineage's client, so that an event is always one that the client can read."""

from __future__ import annotations

import logging
from typing import Any

from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    error_message_run,
    external_query_run,
    job_type_job,
    parent_run,
    processing_engine_run,
    source_code_location_job,
)

from pipeline.openlineage.code_location import code_location
from pipeline.openlineage.datasets import Described
from pipeline.openlineage.describing import DESCRIBE
from pipeline.openlineage.state_changes import Begun, Named, StateChange, job_name, job_namespace
from pipeline.openlineage.warehouse_reader import WarehouseReader
from warehouse.migrations.layouts import latest_layout

PRODUCER = "urn:waybill"
logger = logging.getLogger(__name__)

JOB_TYPES = {"run": "PIPELINE", "stage": "STAGE"}  # all others by their kind


def build_event(change: StateChange, reader: WarehouseReader) -> RunEvent:
    """Return the event of a state change; it has no datasets if they cannot be described."""
    work, described = change.begun.work, _describe(change, reader)
    return RunEvent(
        eventType=RunState[change.state],
        eventTime=change.at.isoformat(),
        run=Run(str(work.run_id), _run_facets(change, reader)),
        job=Job(job_namespace(), job_name(work), _job_facets(change.begun)),
        inputs=described.inputs,
        outputs=described.outputs,
        producer=PRODUCER,
    )


def _describe(change: StateChange, reader: WarehouseReader) -> Described:
    describe = DESCRIBE.get(change.begun.work.kind)
    try:
        return describe(change, reader) if describe else Described()
    except Exception as error:
        logger.info("the datasets of an OpenLineage event are unknown error=%s", type(error).__name__)
        return Described()


def _run_facets(change: StateChange, reader: WarehouseReader) -> dict[str, Any]:
    begun = change.begun
    version = f"layout {latest_layout()}"
    facets: dict[str, Any] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(version=version, name="Waybill")
    }
    if begun.parent:
        root = begun.root or begun.parent
        facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(begun.parent.run_id),
            job=parent_run.Job(begun.parent.namespace, begun.parent.job),
            root=_root(root),
        )
    if ledger_run := begun.work.facts.get("ledger_run"):
        source = f"postgres://{reader.host}:{reader.port}/{reader.database}.ledger.runs"
        facets["externalQuery"] = external_query_run.ExternalQueryRunFacet(externalQueryId=ledger_run, source=source)
    if change.error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=change.error, programmingLanguage="python"
        )
    return facets


def _root(named: Named) -> parent_run.Root:
    return parent_run.Root(run=parent_run.RootRun(named.run_id), job=parent_run.RootJob(named.namespace, named.job))


def _job_facets(begun: Begun) -> dict[str, Any]:
    work = begun.work
    facets: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="STREAMING" if work.kind == "consume" else "BATCH",
            integration="DBT" if work.kind in ("model", "test") else "WAYBILL",
            jobType=JOB_TYPES.get(work.kind, work.kind.upper()),
        )
    }
    if location := code_location():
        facets["sourceCodeLocation"] = source_code_location_job.SourceCodeLocationJobFacet(
            type="git",
            url=location.url,
            repoUrl=location.url,
            path=work.facts.get("path"),
            version=location.version,
            branch=location.branch,
        )
    return facets
