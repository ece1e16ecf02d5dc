"""P6 for a source that `waybill new` made: the same documents from a file and from a topic give the same marts."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.databases import fresh_database, rows
from tests.support.own_sources.clone import NewProject, next_commands

LINES = [
    json.dumps({
        "order_id": f"o{number % 40}",
        "updated_at": f"2024-01-{1 + number % 28:02}T00:00:00Z",
        "customer": {"name": f"c{number % 7}", "vip": number % 3 == 0},
        "lines": [{"sku": f"s{line}", "quantity": line + number} for line in range(number % 4)],
        "stock": {f"2024-01-{day:02}": number + day for day in range(1 + number % 5, 3 + number % 5)},
    })
    for number in range(120)
]  # fmt: skip
FLAGS = ("--key", "/order_id", "--version", "/updated_at", "--map", "/stock")
MARTS = ("fct_orders", "fct_orders_lines", "fct_orders_stock")
CONTENT = "select to_jsonb(mart) - '_batch_id' - '_position' as row from marts.{} as mart order by to_jsonb(mart)::text"


def marts() -> dict[str, list[str]]:
    found = {mart: [json.dumps(row, sort_keys=True) for (row,) in rows(CONTENT.format(mart))] for mart in MARTS}
    return {mart: sorted(lines) for mart, lines in found.items()}


def test_a_topic_gives_the_marts_of_the_file(server: None, broker: str, topic: str, tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    path = project.write("orders.ndjson", "\n".join(LINES) + "\n")
    with fresh_database("batch"):
        output = project.waybill("new", "orders", path, *FLAGS).stdout
        load, build, question = next_commands(output)
        for line in (load, build, question):
            project.typed(line)
        from_file = marts()
    with fresh_database("stream"):
        mixed = project.write("mixed.ndjson", "\n".join([*reversed(LINES), *LINES[::3]]) + "\n")
        project.waybill("produce", "orders", mixed, "--topic", topic, "--create", "2")
        project.waybill("consume", "orders", "--topic", topic, "--until-end")
        project.typed(build)
        assert marts() == from_file
    assert len(from_file["fct_orders"]) == 40
    assert all(from_file.values())
