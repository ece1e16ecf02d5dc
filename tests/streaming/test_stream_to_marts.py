# waybill: sample
"""A stream into marts: what is loaded before, replayed, and loaded after; the marts end like the pipeline's."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from rich.table import Table

from loader.load import load
from ml.train import train
from pipeline.dbt.build import build
from pipeline.errors import RunRefused, StreamBroken
from pipeline.mart_hashes import MartHash
from pipeline.showcase.stream import StreamOptions, compare, split, stream
from pipeline.showcase.stream_figures import Figures, figures_table
from pipeline.showcase.stream_processes import Running, start
from tests.support.databases import drop_database, fresh_database, rows
from waybill.cli import OWN_DATABASE
from waybill.settings import PROJECT

TASK = "flight_delays_small"
SAMPLE = PROJECT / "data" / "raw" / "raw.json"
REPLAY = StreamOptions("*-2013-12*", rate=2, every_seconds=0, partitions=2)
BUILT_WHILE_MESSAGES_CAME = """
select count(*) > 0
from ledger.stage_runs
where stage = 'dbt'
    and started_at > (select min(committed_at) from ledger.batches where feed = 'kafka')
    and started_at < (select max(committed_at) from ledger.batches where feed = 'kafka')
"""


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the small sample as one file a source; flights are in three: before, during and after the replay."""
    folder = tmp_path / "raw"
    sample = json.loads(SAMPLE.read_bytes())
    flights = sample.pop("flights")
    files = {
        "airports/airports.json": json.dumps({"airports": sample.pop("airports")}),
        "flights/flights-2013-11.ndjson": "\n".join(map(json.dumps, flights[:60])),
        "flights/flights-2013-12.ndjson": "\n".join(map(json.dumps, flights[60:100])),
        "flights/late-deliveries-1.ndjson": "\n".join(map(json.dumps, flights[100:])),
        **{f"airlines/{number}.json": json.dumps(one) for number, one in enumerate(sample.pop("airlines"))},
        **{f"{name}/{name}.ndjson": "\n".join(map(json.dumps, many)) for name, many in sample.items()},
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name in ("RAW", "MODELS", "REPORTS", "PROCESSED"):
        monkeypatch.setenv(f"WAYBILL_{name}", str(tmp_path / name.lower()))
    return folder


def test_file_names_decide_what_is_loaded_and_what_is_replayed(raw: Path) -> None:
    files = split("*-2013-12*")
    assert [path.name for path in files.before["flights"]] == ["flights-2013-11.ndjson"]
    assert [path.name for path in files.replayed["flights"]] == ["flights-2013-12.ndjson"]
    assert [path.name for path in files.after["flights"]] == ["late-deliveries-1.ndjson"]
    assert set(files.before) == {"aircraft", "airlines", "airports", "flights", "weather"}
    with pytest.raises(RunRefused, match=r"no file matches 'nothing\*': name the files to replay with --replay"):
        split("nothing*")


def test_marts_that_differ_from_the_pipelines_are_named() -> None:
    one, other = MartHash(1, "7"), MartHash(1, "8")
    compare({"dim_airlines": one}, {"dim_airlines": one})
    with pytest.raises(StreamBroken, match="dim_airlines: these marts differ from the pipeline's"):
        compare({"dim_airlines": one}, {"dim_airlines": other})
    with pytest.raises(StreamBroken, match="dim_airports: these marts differ from the pipeline's"):
        compare({"dim_airports": one}, {})


def test_without_a_model_it_says_what_to_run_first(raw: Path, database: str) -> None:
    with pytest.raises(RunRefused, match="no model can score the stream yet: run `make pipeline` first"):
        stream(REPLAY)


def test_a_live_stream_ends_with_the_pipelines_marts(
    raw: Path, broker: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYBILL_TASK", TASK)
    monkeypatch.setenv("DBT_TARGET_PATH", str(raw.parent / "dbt"))
    monkeypatch.setenv(OWN_DATABASE, "")  # it goes when the test ends
    seen: list[tuple[int, Figures]] = []

    def refresh_once_something_has_landed(name: str, arguments: list[str]) -> Running:
        deadline = time.monotonic() + 30
        while not rows("select 1 from ledger.batches where feed = 'kafka'") and time.monotonic() < deadline:
            time.sleep(0.05)
        return start(name, arguments)

    def see(figures: Figures, runs: int, *, is_sent: bool) -> Table:
        seen.append((runs, figures))
        return figures_table(figures, runs, is_sent=is_sent)

    monkeypatch.setattr("pipeline.showcase.stream.start", refresh_once_something_has_landed)
    monkeypatch.setattr("pipeline.showcase.stream.figures_table", see)
    with fresh_database("stream") as name:
        load()
        build()
        train(TASK)
        stream(REPLAY)
        feeds = rows("select feed, sum(read)::int from ledger.batches where source = 'flights' group by 1 order by 1")
        built_meanwhile = rows(BUILT_WHILE_MESSAGES_CAME)
        drop_database(f"{name}_stream")
    output = capsys.readouterr().out
    assert feeds == [("file", 78), ("kafka", 40)]
    assert built_meanwhile == [(True,)]
    (_, before), (runs, live) = seen[0], seen[-1]
    assert runs >= 1
    assert before.latency_seconds is None
    assert live.latency_seconds is not None and live.latency_seconds > 0
    assert live.current_flights > before.current_flights
    assert live.predictions > before.predictions
    assert "fct_flights" in output and "the same as the pipeline's" in output
    assert "different from the pipeline's" not in output
