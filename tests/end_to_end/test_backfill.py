# waybill: sample
"""Loading one period after the other, in any order, gives the marts of one load of all files."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.databases import rows
from tests.support.small.pipeline import SmallPipeline, small_pipeline, small_sample
from warehouse.connection import engine

OUTCOMES = """
    select source, outcome::text, document_key, reason from intermediate.document_outcomes order by 1, 2, 3, 4
"""
FILES = "select count(distinct input_id) from ledger.batches where source = 'flights'"
SEED = 2013
CORRECTED = "2014-06-01T00:00:00Z"


def flights_by_month() -> dict[str, list[dict[str, Any]]]:
    months = defaultdict(list)
    for flight in small_sample()["flights"]:
        months[flight["scheduled"]["date"][:7]].append(flight)
    return months


@contextmanager
def monthly_pipeline(folder: Path) -> Iterator[SmallPipeline]:
    """Write one file of flights a month, some compressed, one for the same month twice, and one without a date."""
    with small_pipeline(folder) as small:
        flights = folder / "raw" / "flights"
        (flights / "flights.ndjson").unlink()
        months = flights_by_month()
        for number, (month, documents) in enumerate(sorted(months.items())):
            content = "\n".join(map(json.dumps, documents)).encode()
            name, packed = (".ndjson.gz", gzip.compress(content)) if number % 2 else (".ndjson", content)
            (flights / f"flights-{month}{name}").write_bytes(packed)
        first = min(months)
        (flights / f"flights-{first}.json").write_text(json.dumps([months[first][0] | {"updated_at": CORRECTED}]))
        (flights / "late.ndjson").write_text(json.dumps(months[max(months)][0] | {"updated_at": CORRECTED}))
        yield small


def left(small: SmallPipeline, *stages: str) -> tuple[dict[str, MartHash], list[Any]]:
    ran = small.run(*stages)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    with engine("reader").connect() as connection:
        return mart_hashes(connection), rows(OUTCOMES)


def test_periods_in_any_order_give_the_marts_of_one_load(server: None, tmp_path: Path) -> None:
    with monthly_pipeline(tmp_path / "whole") as whole:
        expected = left(whole, "load", "dbt")
    assert expected[0]["fct_flights"].rows > 100
    with monthly_pipeline(tmp_path / "monthly") as monthly:
        periods = [("2013-04", "2013-06"), ("2013-01", "2013-03"), ("2013-10", None), ("2013-07", "2013-09")]
        random.Random(SEED).shuffle(periods)
        files = 1  # the one without a date is loaded with the first period
        for number, (first, last) in enumerate(periods):
            options = ["--from", first, *(["--to", last] if last else [])]
            ran = monthly.run("load", *options)
            assert (ran.returncode, ran.stderr) == (0, ""), ran
            files += 4 if first == "2013-01" else 3
            assert rows(FILES) == [(files,)], first
            if number == 1:
                left(monthly, "dbt")
        assert left(monthly, "load", "dbt") == expected
        assert rows(FILES) == [(files,)]
