"""A run builds what depends on the sources that have changed, and its marts are those of a whole rebuild (P5)."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

import pipeline.dbt.basis
import pipeline.dbt.build
from loader.landing.raw_tables import make_raw_tables
from loader.undo.undo import undo
from pipeline.dbt.build import build_and_check_freshness, build_if_changed
from pipeline.dbt.results import read_build, results_path
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.dbt_project.test_references import REFERENCE, add_source, build, dimension, fact
from tests.support.databases import fresh_database
from tests.support.dbt_command import query
from tests.support.landing import Document, land
from tests.support.own_sources.project import OwnProject
from tests.support.small.erased_rows import erase_key
from warehouse.connection import engine
from warehouse.dbt_login import target_folder
from waybill.settings import get_settings

KEYS = {"shops": "s", "visits": "v", "notes": "n"}
ONLY = "; only what depends on "
VISITS = "select visit_id || ' ' || shop_id from marts.fct_visits order by 1"
SHOPS = "select shop_id || ' ' || is_inferred from marts.dim_shops order by 1"
STEPS = 4


@pytest.fixture
def project(server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnProject]:
    """Return a built project: visits refer to shops, and notes to nothing."""
    project = OwnProject(tmp_path, monkeypatch)
    for source in KEYS:
        add_source(project, source)
    project.add_models(
        dimension("shops", {"name": "name"}, {})
        | fact("visits", "visit_id", REFERENCE.format("shop_id", "dim_shops"))
        | fact("notes", "note_id", "- {name: shop_id, data_type: text}")
    )
    for module in (pipeline.dbt.build, pipeline.dbt.basis):
        monkeypatch.setattr(module, "DBT_PROJECT", project.project)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    with fresh_database():
        make_raw_tables()
        land("shops", {"id": "s1"})
        land("visits", {"id": "v1", "owner": "s1"}, {"id": "v2", "owner": "s2"})
        land("notes", {"id": "n1", "owner": "s1"})
        build_and_check_freshness()
        yield project


def built() -> set[str]:
    """Return the models of the last dbt command."""
    results = json.loads((target_folder() / "run_results.json").read_text())["results"]
    names = (result["unique_id"].split(".") for result in results)
    return {name[2] for name in names if name[0] == "model"}


def models(*sources: str) -> set[str]:
    kinds = "stg_{0} int_{0}_deduplicated int_{0}_outcomes"
    return {name for source in sources for name in kinds.format(source).split()}


def hashes() -> dict[str, MartHash]:
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def test_an_undone_batch_changes_what_depends_on_its_source(
    project: OwnProject, capsys: pytest.CaptureFixture[str]
) -> None:
    before, all_results = hashes(), results_path(get_settings()).read_text()
    warned = {"name": "t", "kind": "test", "of": "m", "status": "warn", "message": "t warns: 1 row", "seconds": 0.1}
    all_results = json.dumps(json.loads(all_results) | {"results": [*json.loads(all_results)["results"], warned]})
    results_path(get_settings()).write_text(all_results)

    batch = land("visits", {"id": "v3", "owner": "s3"}, {"id": "v1", "owner": "s2"})
    rows, summary = build_if_changed()
    assert (rows, ONLY + "visits" in summary) == (2, True)
    assert built() == models("visits") | {"fct_visits", "dim_shops"}
    assert query(VISITS) == ["v1 s2", "v2 s2", "v3 s3"]
    assert query(SHOPS) == ["s1 false", "s2 true", "s3 true"]
    assert capsys.readouterr().out == "t warns: 1 row\n"
    kept = read_build(get_settings())
    assert kept and {one.name for one in kept.results} == {one["name"] for one in json.loads(all_results)["results"]}

    assert undo(str(batch))
    assert ONLY + "visits" in build_if_changed()[1]
    assert hashes() == before
    land("notes", {"id": "n2"})
    assert ONLY not in build_if_changed()[1]  # hooks have deleted rows after models had read them
    land("notes", {"id": "n3"})
    assert ONLY + "notes" in build_if_changed()[1]
    assert built() == models("notes") | {"fct_notes"}


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 60))])
def test_random_changes_give_the_marts_of_a_whole_rebuild(project: OwnProject, seed: int) -> None:
    dice, landed = random.Random(seed), defaultdict[str, list[UUID]](list)
    partial = 0
    for _ in range(STEPS):
        change_something(dice, landed)
        partial += ONLY in build_if_changed()[1]
    assert partial >= 1
    found = hashes()
    build(project, "--full-refresh")
    assert hashes() == found


def change_something(dice: random.Random, landed: dict[str, list[UUID]]) -> None:
    """Land documents that may withdraw others, undo or replace a batch, or erase a key."""
    source, change = dice.choice([*KEYS]), dice.choice(["land", "undo", "replace", "erase"])
    if change == "erase":
        erase_key(source, key_of(dice, source))
        return
    if change != "land" and landed[source]:
        assert undo(str(landed[source].pop(dice.randrange(len(landed[source])))))
    if change != "undo" or not landed[source]:
        landed[source].append(land(source, *(some_document(dice, source) for _ in range(dice.randint(1, 3)))))


def some_document(dice: random.Random, source: str) -> Document:
    state = {"state": "gone"} if dice.random() < 0.2 else {}
    return {"id": key_of(dice, source), "owner": key_of(dice, "shops"), "name": str(dice.randint(1, 9)), **state}


def key_of(dice: random.Random, source: str) -> str:
    return f"{KEYS[source]}{dice.randint(1, 4)}"
