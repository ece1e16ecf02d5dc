"""What the documents name exists: targets, modules, options, variables, paths; what they show is what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from loader.declarations import source_names
from pipeline.picture import draw
from waybill.settings import Settings

DOCUMENTS = [Path("README.md"), Path("data/README.md"), Path("expectations/README.md"), *Path("docs").glob("*.md")]
TARGETS = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.M))
MADE_BY_RUNS = (
    "secrets/",
    "reports/",
    "data/raw/",
    "data/processed/",
    "models/",
    ".waybill",
    ".venv",
    "dbt_project/target/",
)
BELOW = {"expectations/README.md": "expectations/context"}  # where its names stand as well
BUILT = {"data/README.md": ("raw", "processed", *source_names())}  # the first part of names that the builder makes


def code_of(document: Path) -> list[str]:
    """Return what stands in backticks, and the lines of the fenced blocks; what is to come is not there yet."""
    text = re.sub(r".*à venir.*", "", document.read_text())
    fenced = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.M | re.S)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    return [*inline, *(line for block in fenced for line in block.splitlines())]


@cache
def help_of(module: str, command: str) -> str:
    words = [sys.executable, "-m", module, *([command] if command else []), "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_make_target_exists(document: Path) -> None:
    named = {target for code in code_of(document) for target in re.findall(r"(?<![\w-])make ([a-z][a-z-]*)", code)}
    assert named - TARGETS == set()


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_command_and_its_options_exist(document: Path) -> None:
    for code in code_of(document):
        for module, rest in re.findall(r"python -m ([a-z_.]+)([^|#&]*)", code):
            assert find_spec(module), f"{document}: {code}"
            subcommand = re.match(r" ([a-z][a-z-]*)\b", rest)
            said = help_of(module, "")
            if subcommand and "Commands:" in said:
                assert f"\n  {subcommand[1]} " in said, code
            options = re.findall(r"--[a-z-]+", rest)
            if options:
                said = help_of(module, subcommand[1] if subcommand and "Commands:" in said else "")
            assert [option for option in options if option not in said] == [], code


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_variable_exists(document: Path) -> None:
    known = {name.upper() for name in Settings.model_fields} | set(dotenv_values(".env.example"))
    named = set(re.findall(r"\b(?:PG[A-Z]{3,}|WAYBILL_[A-Z_]+|KAFKA_[A-Z_]+)\b", document.read_text()))
    assert named - known == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_path_exists(document: Path) -> None:
    named = {code for code in code_of(document) if re.fullmatch(r"[\w.-]+/[\w./-]*|[\w-]+\.(?:md|yml|toml)", code)}
    folders = (Path(), document.parent, Path(BELOW.get(str(document), ".")))
    missing = [
        name
        for name in sorted(named)
        if not any((folder / name).exists() for folder in folders)
        and not name.startswith(MADE_BY_RUNS)
        and name.partition("/")[0] not in BUILT.get(str(document), ())
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_named_test_exists(document: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", document.read_text()):
        assert f"def {name}(" in Path(path).read_text(), name


def test_the_picture_is_drawn_from_the_list_of_stages() -> None:
    [shown] = re.findall(r"```mermaid\n(.*?)\n```", Path("README.md").read_text(), re.S)
    assert shown == draw()
    for stage in yaml.safe_load(Path("pipeline/stages.yml").read_text()):
        assert f"{stage['name']}<br>" in shown or f'"{stage["name"]}"' in shown


def test_the_readme_shows_the_output_of_make() -> None:
    said = subprocess.run(["make", "--no-print-directory"], capture_output=True, text=True, check=True).stdout
    assert said in Path("README.md").read_text()
    assert set(re.findall(r"make ([a-z-]+)", said)) >= TARGETS - {"setup-dev"}
    assert max(map(len, said.splitlines())) <= 80


def test_the_readme_shows_every_stage_in_order() -> None:
    shown = Path("README.md").read_text()
    run = shown[shown.index("make pipeline\n```") :]
    stages = [stage["name"] for stage in yaml.safe_load(Path("pipeline/stages.yml").read_text())]
    assert re.findall(r"^([a-z-]+) +\d+\.\d s ", run, re.M) == stages


def test_the_readme_keeps_its_order() -> None:
    readme = Path("README.md").read_text()
    assert readme.startswith("# Waybill\n\n**Raw JSON in, tested tables and a trained model out")
    order = ["*Du JSON brut", "```mermaid", "## Quickstart", "## Folders", "## Marts", "## Make", "## Streaming", "## Configuration",
             "## What is promised", "## Scaling out", "## Licence"]  # fmt: skip
    places = [readme.index(words) for words in order]
    assert places == sorted(places)


def test_the_readme_names_every_direct_dependency() -> None:
    wanted = re.findall(r"^([a-z0-9-]+)", Path("requirements.in").read_text(), re.M)
    readme = Path("README.md").read_text()
    assert [name for name in wanted if f"`{name}`" not in readme] == []
