"""The Makefile: what its targets may touch, and how they are written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.clones import make_clone, run_in

MAKEFILE = Path("Makefile").read_text()
RECIPES = dict(re.findall(r"^([a-z-]+):[^=\n]*\n((?:\t.*\n)+)", MAKEFILE, re.M))


def test_a_target_takes_at_most_three_lines() -> None:
    assert [name for name, recipe in RECIPES.items() if len(recipe.splitlines()) > 3] == []


def test_clean_stops_every_server_that_a_target_starts() -> None:
    stopped = set(re.findall(r"\$\(WAYBILL\) ((?:\w+ )?down)", RECIPES["clean"]))
    assert stopped == set(re.findall(r"\$\(WAYBILL\) ((?:\w+ )?down)", MAKEFILE))


def test_only_reset_and_destroy_delete_data() -> None:
    deleting = {name for name, recipe in RECIPES.items() if re.search("reset|destroy|remove|--yes", recipe)}
    assert deleting == {"reset", "destroy"}


def test_a_replay_without_the_sample_installs_no_java(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    for has_sample in (False, True):
        planned = subprocess.run(["make", "-n", "stream"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert ("requirements broker" in planned.stdout) is has_sample
        assert "waybill stream" in planned.stdout
        (tmp_path / "data" / "sample").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "sample" / "build.py").touch()


@pytest.mark.slow
def test_clean_keeps_databases_topics_models_and_raw_files(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "wäy bill")
    kept = [
        ".waybill/postgres/data/base",
        ".waybill/kafka/data/orders-0",
        ".waybill/airflow/a.db",
        "data/raw/mine.json",
        "models/model.joblib",
    ]
    environments = [f".waybill/{name}-venv/bin/python" for name in ("pgadmin", "airflow")]
    made = [*environments, "reports/index.html", "dbt_project/target/x"]
    for name in [*kept, *made]:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    run_in(clone, "make", "clean")
    assert [name for name in [*kept, *made] if (clone / name).exists()] == kept
    assert not (clone / ".venv").exists()
