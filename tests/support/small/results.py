# waybill: sample
"""What a run on the small sample leaves, to be compared with what another run leaves."""

from __future__ import annotations

import json
from typing import Any

from pipeline.mart_hashes import mart_hashes
from pipeline.run_record import read_record
from tests.support.databases import rows
from tests.support.small.pipeline import SmallPipeline
from warehouse.connection import engine
from waybill.settings import get_settings

OUTCOMES = "select source, outcome::text, count(*) from intermediate.document_outcomes group by 1, 2 order by 1, 2"
BOOKS = "select source, read, landed, rejected, skipped, undone from ledger.books order by source"
RAW = "select count(*), count(distinct (_batch_id, _position)) from raw.flights"
PREDICTIONS = "select flight_id, probability from predictions.flight_delays_small order by 1"
PAGES = ("index.html", "documents.html", "model.html", "dbt_docs.html")


def left_by(small: SmallPipeline) -> dict[str, Any]:
    """Return marts, books, exports, predictions, pages, records and checks, without ids, times and resources."""
    with engine("reader").connect() as connection:
        marts = mart_hashes(connection)
    reports = small.folder / "reports"
    validated = json.loads((reports / "validation" / "succeeded.json").read_text())
    return {
        "marts": marts,
        "books": [rows(query) for query in (OUTCOMES, BOOKS, RAW)],
        "exports": {name: digest for name, digest in small.files("processed").items() if not name.endswith(".state")},
        "predictions": rows(PREDICTIONS),
        "pages": [page for page in PAGES if (reports / page).exists()],
        "records": {entry["name"]: entry["outcome"] for entry in read_record(get_settings())},
        "checks": {name: gate["outcome"]["expectations"] for name, gate in validated.items()},
    }
