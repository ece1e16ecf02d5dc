"""`waybill new --from-raw` models what has landed under an open contract, and shows the declaration's changes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.support.databases import rows
from tests.support.own_sources.clone import NewProject

DECLARATION = """\
source: visits
description: "Visits of the museum, as the tills write them."
contract: anything.schema.json
key: value
version: delivery
topic: museum.visits
fresh_days: 3
"""
DOCUMENTS = [
    {"visit": f"v{number}", "changed_at": f"2024-05-{number + 1:02}T10:00:00Z", "guests": [{"age": number}, {"age": 7}]}
    for number in range(9)
]


def test_what_has_landed_is_modelled(database: str, tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    declaration = project.folder / "loader" / "sources" / "visits.yml"
    declaration.write_text(DECLARATION)
    contract = project.folder / "loader" / "contracts" / "anything.schema.json"
    contract.write_text('{"type": "object"}')
    path = project.write("visits.ndjson", "\n".join(map(json.dumps, DOCUMENTS)) + "\n")
    assert "nothing of source visits has landed" in project.waybill("new", "visits", "--from-raw", check=False).stderr
    project.waybill("load", "visits", path)
    shown = project.waybill("new", "visits", "--from-raw").stdout
    assert declaration.read_text() == DECLARATION
    assert "\n-key: value\n" in shown and "\n+++ b/loader/contracts/visits.schema.json\n" in shown
    patch = shown.partition("need\n")[2].partition("\nNot applied")[0]
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    subprocess.run(["git", "apply", "--check"], input=patch + "\n", text=True, cwd=project.folder, check=True)
    applied = project.waybill("new", "visits", "--from-raw", "--write-declaration").stdout
    assert "\nWrote 2 files\n" in applied
    assert {"topic: museum.visits", "fresh_days: 3"} <= set(declaration.read_text().splitlines())
    assert "Visits of the museum, as the tills write them." in declaration.read_text()
    assert contract.read_text() == '{"type": "object"}'
    project.waybill("dbt", "build", "--select", "tag:visits")
    assert rows("select count(*), sum(age) from marts.fct_visits_guests") == [(18, 9 * 7 + sum(range(9)))]
    project.waybill("dbt", "docs", "generate")  # in a warehouse where no other source is built
    catalog = json.loads((project.folder / "dbt_project" / "target" / "catalog.json").read_text())
    assert {"model.waybill.fct_visits", "model.waybill.fct_visits_guests"} <= set(catalog["nodes"])
    again = project.waybill("new", "visits", "--from-raw", check=False)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "source visits exists" in again.stderr
    assert again.stderr.endswith("delete its files outside loader/ first, and give the flags that made them\n")


def test_a_declared_key_and_version_are_kept(database: str, tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    declared = DECLARATION.replace("key: value", "key: [/visit, /changed_at]").replace("delivery", "/changed_at")
    (project.folder / "loader" / "sources" / "visits.yml").write_text(declared)
    (project.folder / "loader" / "contracts" / "anything.schema.json").write_text('{"type": "object"}')
    path = project.write("visits.ndjson", "\n".join(map(json.dumps, DOCUMENTS)) + "\n")
    project.waybill("load", "visits", path)
    kept = project.waybill("new", "visits", "--from-raw", "--dry-run").stdout
    assert "primary key visit, changed_at" in kept and "version: /changed_at" in kept
    changed = project.waybill("new", "visits", "--from-raw", "--dry-run", "--key", "/visit").stdout
    assert "primary key visit\n" in changed
