# waybill: sample
"""`python -m benchmarks.scale.partitions`: what undo, vacuum and erase cost in one raw table, and with partitions."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import click
import psutil
from psycopg2.extensions import cursor as Cursor

from benchmarks.databases import bench_database
from benchmarks.machine import description
from benchmarks.tables import print_table
from warehouse.connection import connect
from waybill.cli import run
from waybill.settings import get_settings

YEAR_BATCHES = 17  # a year of flights in the loader's chunks
BATCH_ROWS = 20_000
ONE_TABLE, PARTITIONED = "one table", "a partition a batch"
CREATE = """
create table public.documents (
    _batch_id uuid not null, _position bigint not null, _fingerprint uuid not null, document jsonb not null
)
"""
INDEX = "create index on public.documents using brin (_batch_id) with (autosummarize = on)"  # as raw tables have it
PARTITION = "create table public.documents_{number} partition of public.documents for values in ({batch_id})"
DOCUMENT = """{
    "airline": {"code": "UA"}, "aircraft": {"tail_number": "N14228"}, "origin": {"airport": "EWR"},
    "destination": {"airport": "IAH"}, "scheduled": {"date": "2013-01-01", "departure": 515, "arrival": 819,
    "departure_hour": "2013-01-01T10:00:00Z"}, "actual": {"departure": 517, "arrival": 830, "air_time_minutes": 227},
    "delays": {"departure_minutes": 2, "arrival_minutes": 11}, "distance_miles": 1400,
    "updated_at": "2013-01-02T06:00:00Z"
}"""
LAND = f"""
insert into public.documents
select {{batch_id}}, number, md5(number::text)::uuid, '{DOCUMENT}'::jsonb || jsonb_build_object('flight_number', number)
from generate_series(1, {BATCH_ROWS}) as number
"""
READ = "select count(document ->> 'flight_number') from public.documents where _batch_id = {batch_id}"
READ_ALL = "select count(document ->> 'flight_number') from public.documents"
WAL = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the server process, and bytes of write-ahead log."""

    cpu_seconds: float
    wal_bytes: int

    def __str__(self) -> str:
        """Return milliseconds and megabytes."""
        return f"{max(self.cpu_seconds, 0) * 1e3:,.0f} ({self.wal_bytes / 1e6:,.1f})"


@click.command(
    help="Example: python -m benchmarks.scale.partitions --times 1 --times 3\n\nCompare undo, vacuum and erase in one "
    "raw table with a table of one partition a batch."
)
@click.option("--times", multiple=True, default=(1, 3, 10), show_default=True, type=click.IntRange(1, 50))
def main(times: tuple[int, ...]) -> None:
    """Measure each size in both layouts, and print CPU milliseconds and WAL of each step."""
    if not get_settings().is_embedded:
        raise click.ClickException("this benchmark measures the embedded server: take PGHOST out of .env")
    with bench_database() as parameters:
        click.echo(description(parameters))
    found = {(count, layout): measure_layout(count, layout) for count in times for layout in (ONE_TABLE, PARTITIONED)}
    steps = list(next(iter(found.values())))
    print_table(
        {"CPU ms (WAL in MB)": 26, **{f"× {count}, {layout}": 28 for count, layout in found}},
        ([step, *(str(costs[step]) for costs in found.values())] for step in steps),
    )


def measure_layout(times: int, layout: str) -> dict[str, Cost]:
    """Return the cost of each step in a new database with so many years."""
    with bench_database(), closing(connect("owner")) as connection:
        connection.autocommit = True  # vacuum does not run in a transaction
        with connection.cursor() as cursor:
            last = _fill(cursor, times * YEAR_BATCHES, layout)
            return {step: _measure(cursor, statements) for step, statements in _steps(last, layout)}


def _fill(cursor: Cursor, batches: int, layout: str) -> int:
    cursor.execute(CREATE + (" partition by list (_batch_id)" if layout == PARTITIONED else ""))
    if layout == ONE_TABLE:
        cursor.execute(INDEX)
    for number in range(batches):
        for statement in _landing(number, layout):
            cursor.execute(statement)
    cursor.execute("vacuum (analyze) public.documents")
    return batches


def _steps(new: int, layout: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each step and its statements; `new` is the number of the next batch."""
    undone, erased = _batch_id(new // 2), _batch_id(new // 3)
    erase = f"delete from public.documents where _batch_id = {erased} and _position = 7"
    yield "land a batch", _landing(new, layout)
    yield "read a batch", [READ.format(batch_id=_batch_id(new))]
    yield "read all", [READ_ALL]
    if layout == ONE_TABLE:
        yield "undo a batch", [f"delete from public.documents where _batch_id = {undone}"]
        yield "vacuum afterwards", ["vacuum public.documents"]
        yield "erase a row, rewrite", [erase, "vacuum full public.documents"]
    else:
        yield "undo a batch", [f"drop table public.documents_{new // 2}"]
        yield "vacuum afterwards", ["vacuum public.documents"]
        yield "erase a row, rewrite", [erase, f"vacuum full public.documents_{new // 3}"]


def _landing(number: int, layout: str) -> list[str]:
    batch_id = _batch_id(number)
    made = [PARTITION.format(number=number, batch_id=batch_id)] if layout == PARTITIONED else []
    return [*made, LAND.replace("{batch_id}", batch_id)]


def _batch_id(number: int) -> str:
    """Return a literal; ids of batches grow with time."""
    return f"'00000000-0000-7000-8000-{number:012x}'::uuid"


def _measure(cursor: Cursor, statements: list[str]) -> Cost:
    backend = psutil.Process(cursor.connection.info.backend_pid)
    before, wal = backend.cpu_times(), _wal(cursor)
    for statement in statements:
        cursor.execute(statement)
    after = backend.cpu_times()
    return Cost(after.user + after.system - before.user - before.system, _wal(cursor) - wal)


def _wal(cursor: Cursor) -> int:
    cursor.execute(WAL)
    return int(cursor.fetchone()[0])  # type: ignore[index]


if __name__ == "__main__":
    run(main, "python -m benchmarks.scale.partitions")
