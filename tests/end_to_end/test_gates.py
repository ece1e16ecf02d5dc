# waybill: sample
"""If a gate fails, everything downstream keeps its last good state, byte for byte and row for row."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.dbt.results import read_build
from tests.support.databases import rows
from tests.support.dbt_command import execute
from tests.support.small.pipeline import FOLDERS, SmallPipeline, small_pipeline, small_sample
from waybill.settings import get_settings

MARTS = (
    "marts.dim_airlines",
    "marts.dim_airports",
    "marts.dim_aircraft",
    "marts.fct_weather_observations",
    "marts.fct_flights",
    "marts.flight_features",
)
LATE = "2014-06-01T00:00:00Z"


@pytest.fixture(scope="module")
def small(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPipeline]:
    """Return a pipeline that has completed one run."""
    with small_pipeline(tmp_path_factory.mktemp("pipeline")) as found:
        ran = found.run()
        assert (ran.returncode, ran.stderr) == (0, ""), ran
        yield found


def versions(*tables: str) -> dict[str, Any]:
    """Return table → its row count and a hash of its rows with their physical position and transaction."""
    query = (
        "select count(*), sum(hashtextextended(xmin::text || ctid::text || to_jsonb(mart)::text, 0)) from {} as mart"
    )
    return {table: rows(query.format(table)) for table in tables}


def twenty_minutes_late() -> list[dict[str, Any]]:
    """Return a newer version of every landed flight, twenty minutes late by its delay and by its clock."""
    corrections = []
    for flight in small_sample()["flights"]:
        if isinstance(flight["delays"]["arrival_minutes"], int):
            scheduled = flight["scheduled"]["arrival"]
            minutes = (scheduled // 100 * 60 + scheduled % 100 + 20) % 1440
            actual = {**flight["actual"], "arrival": minutes // 60 * 100 + minutes % 60}
            delays = {**flight["delays"], "arrival_minutes": 20}
            corrections.append({**flight, "actual": actual, "delays": delays, "updated_at": LATE})
    return corrections


def stages(ran: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the stages that succeeded; dbt's own lines about failures are among them."""
    return re.findall(r"^([a-z-]+) +[0-9.]+ s ", ran.stdout, re.M)


def test_a_run_with_nothing_new_starts_no_dbt(small: SmallPipeline) -> None:
    before = versions(*MARTS)
    by_itself, again = (re.findall(r"^dbt +[0-9.]+ s +0 rows   (.*)", small.run(*names).stdout, re.M)
                        for names in (["dbt"], []))  # fmt: skip
    built, _, what = by_itself[0].partition("; ")
    assert built == "nothing new", "a stage that is run by itself always builds"
    since, _, same = again[0].partition("; ")
    assert since.startswith("nothing has changed since the build of 20") and same == what
    assert versions(*MARTS) == before


def test_unbalanced_books_stop_the_run_before_the_marts(small: SmallPipeline) -> None:
    before, files = versions(*MARTS, "predictions.flight_delays_small_by_model"), small.files(*FOLDERS)
    small.deliver("flights", "late-1.ndjson", twenty_minutes_late()[:5])
    ((batch,),) = rows("select batch_id from ledger.batches where source = 'flights'")
    execute(f"update ledger.batches set read = read + 1, landed = landed + 1 where batch_id = '{batch}'")
    ran = small.run()
    execute(f"update ledger.batches set read = read - 1, landed = landed - 1 where batch_id = '{batch}'")
    assert (ran.returncode, stages(ran)) == (1, ["load", "check-raw"])
    (output,) = ran.stderr.splitlines()
    assert output.startswith("error: dbt stopped the run: 1 failed: assert_flights_balance: ")
    build = read_build(get_settings())
    assert build is not None
    assert [result.name for result in build.results if result.is_failed] == ["assert_flights_balance"]
    assert output.endswith(f"; look at {small.folder}/dbt/run_results.json")
    assert versions(*before) == before
    assert small.files(*FOLDERS) == files


def test_a_failed_marts_checkpoint_stops_the_run_before_training(small: SmallPipeline) -> None:
    marts, scores, files = versions(*MARTS), versions("predictions.flight_delays_small_by_model"), small.files(*FOLDERS)
    small.deliver("flights", "late-2.ndjson", twenty_minutes_late())
    ran = small.run()
    assert (ran.returncode, stages(ran)) == (1, ["load", "check-raw", "dbt"])
    (output,) = ran.stderr.splitlines()
    assert output.startswith("error: check-marts stopped the run: checkpoint marts: ")
    assert output.endswith(f"; look at {small.folder}/reports/data_docs/index.html")
    assert versions("marts.fct_flights") != {"marts.fct_flights": marts["marts.fct_flights"]}, "dbt had work"
    assert versions(*scores) == scores
    assert {path for path in files if path.startswith("models/")}
    assert small.files(*FOLDERS) == files
