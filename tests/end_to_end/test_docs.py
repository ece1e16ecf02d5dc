"""What the documents name exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

DOCUMENTS = [Path("README.md"), Path("data/README.md"), Path("expectations/README.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_make_target_exists(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets


def test_every_path_of_the_readme_exists() -> None:
    made_by_runs = ("reports/", "data/raw/", "data/processed/", "models/", ".waybill", ".venv", "dbt_project/target/")
    paths = set(re.findall(r"`([\w.-]+/[\w./-]*)`", Path("README.md").read_text()))
    assert [path for path in paths if not path.startswith(made_by_runs) and not Path(path).exists()] == []


def test_make_alone_lists_every_target_that_is_for_people() -> None:
    said = subprocess.run(["make"], capture_output=True, text=True, check=True).stdout
    for target in [
        "setup",
        "data",
        "up",
        "down",
        "status",
        "psql",
        "load",
        "check-raw",
        "dbt",
        "check-marts",
        "train",
        "score",
        "export",
        "report",
        "docs",
        "pipeline",
        "test",
        "crash",
        "lint",
        "bench",
        "clean",
    ]:
        assert f"make {target} " in said


def test_the_readme_names_every_direct_dependency() -> None:
    wanted = re.findall(r"^([a-z0-9-]+)", Path("requirements.in").read_text(), re.M)
    readme = Path("README.md").read_text()
    assert [name for name in wanted if f"`{name}`" not in readme] == []
