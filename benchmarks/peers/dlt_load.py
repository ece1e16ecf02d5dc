# waybill: sample
"""Loads JSON lines with dlt in its fastest mode: CSV, no nesting. Runs in the peers' environment."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import dlt

READ_BYTES = 8 << 20


@dlt.resource(name="flights", write_disposition="append", max_table_nesting=0)
def flights(path: str) -> Iterator[list[Any]]:
    """Yield the documents, some megabytes at a time."""
    with open(path, "rb") as file:
        while lines := file.readlines(READ_BYTES):
            yield [json.loads(line) for line in lines]


if __name__ == "__main__":
    file, folder = sys.argv[1:]
    destination = dlt.destinations.postgres(os.environ["BENCH_DATABASE_URL"])
    pipeline = dlt.pipeline("bench", destination=destination, dataset_name="dlt_flights", pipelines_dir=folder)
    started = time.monotonic()
    pipeline.run(flights(file), loader_file_format="csv")
    print(json.dumps({"seconds": time.monotonic() - started, "version": dlt.__version__}))
