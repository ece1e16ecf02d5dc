"""The Makefile: what its targets may touch, and how they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.clones import make_clone, run_in

MAKEFILE = Path("Makefile").read_text()
RECIPES = dict(re.findall(r"^([a-z-]+):[^=\n]*\n((?:\t.*\n)+)", MAKEFILE, re.M))


def test_a_target_takes_at_most_three_lines() -> None:
    assert [name for name, recipe in RECIPES.items() if len(recipe.splitlines()) > 3] == []


def test_only_reset_and_destroy_delete_data() -> None:
    deleting = {name for name, recipe in RECIPES.items() if re.search("reset|destroy|remove|--yes", recipe)}
    assert deleting == {"reset", "destroy"}


@pytest.mark.slow
def test_clean_keeps_databases_topics_and_raw_files(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "wäy bill")
    kept = [".waybill/postgres/data/base", ".waybill/kafka/data/flights-0", "data/raw/mine.json"]
    made = [".waybill/pgadmin-venv/bin/python", "models/model.joblib", "reports/index.html", "dbt_project/target/x"]
    for name in [*kept, *made]:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    run_in(clone, "make", "clean")
    assert [name for name in [*kept, *made] if (clone / name).exists()] == kept
    assert not (clone / ".venv").exists()
