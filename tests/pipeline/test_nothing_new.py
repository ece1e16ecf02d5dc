# waybill: sample
"""Stages whose result would be the same say so without loading their libraries, and work again after any change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.stages import WORK
from tests.support.small.task import execute
from tests.support.small.warehouse import build_marts, build_raw

STAGES = ("check-raw", "check-marts", "export")
RUN = """
import sys
from pipeline.stages import WORK
print({name: WORK[name]().rows for name in sys.argv[1:]})
print({"great_expectations", "dbt", "pandas", "numpy", "sklearn"} & set(sys.modules))
"""


@pytest.fixture
def done(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small warehouse in which the stages have just succeeded."""
    for variable in ("WAYBILL_PROCESSED", "WAYBILL_REPORTS"):
        monkeypatch.setenv(variable, str(tmp_path))
    build_marts(build_raw())
    assert all(worked().values())


def worked() -> dict[str, bool]:
    """Run the stages; return which of them had something to do."""
    return {name: WORK[name]().rows > 0 for name in STAGES}


def test_nothing_new_loads_no_library(done: None) -> None:
    ran = subprocess.run([sys.executable, "-c", RUN, *STAGES], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == (f"{dict.fromkeys(STAGES, 0)}\nset()\n", "")


def test_only_stages_that_read_a_changed_table_work_again(done: None) -> None:
    execute("update marts.fct_flights set flight_status = flight_status where flight_number = 7")
    assert worked() == {"check-raw": False, "check-marts": True, "export": True}
    execute("update raw.airlines set document = document")
    assert worked() == {"check-raw": True, "check-marts": False, "export": False}
    assert not any(worked().values())
