"""Thirty clean runs, each with two documents and `waybill check` after it: no alert is printed or sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.alerts.consumers import RULES
from pipeline.runner import run_all
from pipeline.stages import WORK, StageResult, load_files
from tests.support.databases import rows
from tests.support.declared.orders import order
from tests.support.small.task import execute
from waybill.__main__ import waybill

OUTCOMES = """
insert into intermediate.int_orders_outcomes
select 'orders', _batch_id, _position, case
    when row_number() over (
        partition by document -> 'order_number' order by document ->> 'updated_at' desc, _batch_id desc, _position
    ) = 1 then 'current' else 'superseded'
end
from raw.orders
"""


def decide_outcomes() -> StageResult:
    """Decide what became of every document, as the models of the source do."""
    execute(
        "truncate intermediate.int_orders_outcomes",
        OUTCOMES,
        "insert into intermediate.run_batches select batch_id from ledger.batches except table intermediate.run_batches",
    )
    return StageResult(2, "")


def test_thirty_clean_runs_give_no_alert(sent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stages of the books work, and no other one does: all others do in `tests/end_to_end/test_alerts.py`."""
    monkeypatch.setitem(WORK, "load", load_files)
    monkeypatch.setitem(WORK, "dbt", decide_outcomes)
    monkeypatch.setenv("WAYBILL_RAW", str(tmp_path / "raw"))
    for number in range(30):
        file = tmp_path / "raw" / "orders" / f"{number}.ndjson"
        file.parent.mkdir(parents=True, exist_ok=True)
        documents = order(1000 + number), order(number, updated_at="2014-01-01T00:00:00Z")
        file.write_text("\n".join(map(json.dumps, documents)))
        run_all()
        checked = CliRunner().invoke(waybill, ["check", "--json"])
        found = json.loads(checked.stdout)
        assert (checked.exit_code, found["alerts"], {*found["not_judged"]}) == (0, [], {*RULES}), number
    outcomes = "select outcome, count(*) from intermediate.document_outcomes group by 1 order by 1"
    assert rows(outcomes) == [("current", 130), ("superseded", 30)]
    assert not sent.exists()
