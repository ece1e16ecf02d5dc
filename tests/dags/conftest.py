# waybill: sample
"""The small sample as a pipeline that Airflow runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.scheduled.airflow import TestedAirflow, make_airflow
from tests.support.small.pipeline import SmallPipeline, small_pipeline
from waybill.settings import PROJECT

COMMAND = PROJECT / ".venv" / "bin" / "waybill"


@dataclass(frozen=True)
class ScheduledPipeline:
    """A pipeline on the small sample, and the Airflow that runs it."""

    small: SmallPipeline
    airflow: TestedAirflow


@pytest.fixture(scope="module")
def scheduled(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScheduledPipeline]:
    """Return a pipeline that has not run yet."""
    folder = tmp_path_factory.mktemp("scheduled")
    with small_pipeline(folder) as small:
        yield ScheduledPipeline(small, make_airflow(folder / "airflow-state", small.variables))
