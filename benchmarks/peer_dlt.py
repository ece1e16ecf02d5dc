"""Runs in an environment of its own: dlt loads a file of JSON lines into PostgreSQL, its defaults kept."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import dlt
import orjson


def main(path: str, login: str) -> None:
    """Load the file and print rows and seconds, start-up apart."""

    @dlt.resource(name="flights", write_disposition="append")
    def flights() -> Iterator[list[dict[str, Any]]]:
        page = []
        with open(path, "rb") as lines:
            for line in lines:
                page.append(orjson.loads(line))
                if len(page) == 5000:
                    yield page
                    page = []
        yield page

    destination = dlt.destinations.postgres(credentials=login)
    pipeline = dlt.pipeline("waybill_benchmark", destination=destination, dataset_name="dlt_flights", progress=None)
    started = time.monotonic()
    pipeline.run(flights())
    seconds = time.monotonic() - started
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(json.dumps({"rows": counts["flights"], "seconds": seconds, "version": dlt.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
