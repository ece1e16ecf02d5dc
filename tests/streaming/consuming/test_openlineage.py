"""A consumer sends one START and one terminal event, with the counts of the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kafka.things import Things, thing
from tests.support.lineage.events import events_sent, parsed, read_events, rows_written
from waybill.settings import get_settings


def test_a_consumers_events_have_the_counts_of_the_ledger(
    things: Things, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_OPENLINEAGE", "true")
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path))
    things.send(thing(1), b'{"text": "canary"}', thing(2), None, key=b"k")
    things.send(thing(3), partition=1)
    with events_sent():
        things.consume()
    start, end = read_events()
    assert [(event["job"]["name"], event["eventType"]) for event in (start, end)] == [
        ("consume.things", "START"),
        ("consume.things", "COMPLETE"),
    ]
    [topic] = end["inputs"]
    assert (topic["namespace"], topic["name"]) == (f"kafka://{broker}", things.topic)
    assert topic["inputFacets"]["inputStatistics"]["rowCount"] == 5
    assert rows_written(end) == {"raw.things": 3, "ledger.rejects": 1}
    assert things.books() == (5, 3, 1, 1)
    assert end["job"]["facets"]["jobType"]["processingType"] == "STREAMING"
    assert "canary" not in get_settings().openlineage_file.read_text()
    assert parsed(start) and parsed(end)
