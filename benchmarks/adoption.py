"""Adopts fields that the last tenth of many documents brought; compares the marts with a load under the new contract.

The digests of both are equal, or the program exits with 1.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from benchmarks.databases import bench_database
from benchmarks.real_sets.clone import Clone, clone
from benchmarks.tables import print_table
from warehouse.connection import connect

MARTS = "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
COLUMNS = """
select string_agg(format('%%I', column_name), ', ' order by column_name)
from information_schema.columns where table_schema = 'marts' and table_name = %s and column_name !~ '^_'
"""
CONTENT = "select count(*), sum(('x' || left(md5(row({})::text), 15))::bit(60)::bigint) from marts.{}"
BUILD = ("dbt", "build", "--select", "tag:orders")
Contents = dict[str, tuple[str, Any]]


@click.command(help=__doc__)
@click.option("--documents", default=100_000, show_default=True)
def main(documents: int) -> None:
    """Time each step in a copy of the project with its own databases."""
    with clone() as project:
        files = [project.folder.parent / name for name in ("early.ndjson", "late.ndjson")]
        _write(files[0], range(documents - documents // 10), is_late=False)
        _write(files[1], range(documents - documents // 10, documents), is_late=True)
        with bench_database():
            _use(project)
            seconds = {"new": _timed(project, "new", "orders", str(files[0]))}
            seconds["load, early"] = _timed(project, "load", "orders", str(files[0]))
            seconds["build"] = _timed(project, *BUILD)
            seconds["load, late"] = _timed(project, "load", "orders", str(files[1]))
            seconds["adopt"] = _timed(project, "adopt", "orders")
            seconds["build after adopt"] = _timed(project, *BUILD)
            adopted = dict(_contents())
        with bench_database():
            _use(project)
            seconds["load, both"] = sum(_timed(project, "load", "orders", str(file)) for file in files)
            seconds["build under the final contract"] = _timed(project, *BUILD)
            final = dict(_contents())
    print_table(
        {f"{documents:,} documents": 32, "seconds": 10}, ([name, f"{took:.1f}"] for name, took in seconds.items())
    )
    print_table(
        {"mart": 28, "rows": 10, "equal": 8},
        ([mart, f"{found[1][0]:,}", "yes" if final.get(mart) == found else "NO"] for mart, found in adopted.items()),
    )
    sys.exit(adopted != final)


def _document(number: int, *, is_late: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"sku": f"s{number % 997}", "quantity": number % 7 + 1}
    document = {
        "id": f"o{number}",
        "at": f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}",
        "lines": [line, dict(line)],
    }
    if is_late:
        document = document | {"coupon": f"c{number % 5}", "tags": ["a", f"t{number % 3}"], "total": number / 4}
        document["lines"] = [{**line, "discount": 0.25, "taxes": [{"rate": 0.2}]}]
    return document


def _write(file: Path, numbers: range, *, is_late: bool) -> None:
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(f"{json.dumps(_document(number, is_late=is_late))}\n" for number in numbers)


def _use(project: Clone) -> None:
    project.variables["PGDATABASE"] = os.environ["PGDATABASE"]


def _timed(project: Clone, *arguments: str) -> float:
    start = time.monotonic()
    ran = project.waybill(*arguments)
    if ran.code:
        raise click.ClickException(f"waybill {' '.join(arguments)}: {ran.output[-2000:]}")
    return time.monotonic() - start


def _contents() -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yield the marts with their columns, and count and digest of their rows, whatever the order of these."""
    with closing(connect("reader")) as connection, connection.cursor() as cursor:
        cursor.execute(MARTS)
        for (mart,) in cursor.fetchall():
            cursor.execute(COLUMNS, (mart,))
            ((columns,),) = cursor.fetchall()
            cursor.execute(CONTENT.format(columns, mart))
            yield mart, (columns, cursor.fetchone())


if __name__ == "__main__":
    main()
