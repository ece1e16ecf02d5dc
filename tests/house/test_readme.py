"""The README is a short map in a fixed order, and it shows the stages and the output of commands exactly."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from pipeline.picture import draw

README, COMMANDS, LIBRARIES = Path("README.md"), Path("docs/commands.md"), Path("docs/libraries.md")
STAGES = [stage["name"] for stage in yaml.safe_load(Path("pipeline/stages.yml").read_text())]
TARGETS = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.M))
ORDER = ("*Du JSON brut", "```mermaid", "## Quickstart", "## What to type", "## Folders", "## Promises", "## Configuration",
         "## Documentation", "## Licence")  # fmt: skip


def test_the_readme_has_at_most_200_lines() -> None:
    assert len(README.read_text().splitlines()) <= 200


def test_the_readme_keeps_its_order() -> None:
    readme = README.read_text()
    assert readme.startswith("# Waybill\n\n**Raw JSON in, tested tables and a trained model out")
    positions = [readme.index(words) for words in ORDER]
    assert positions == sorted(positions)


def test_the_picture_is_drawn_from_the_list_of_stages() -> None:
    [shown] = re.findall(r"```mermaid\n(.*?)\n```", README.read_text(), re.S)
    assert shown == draw()
    for stage in STAGES:
        assert f"{stage}<br>" in shown or f'"{stage}"' in shown


def test_the_shown_runs_have_every_stage_in_order() -> None:
    for document in filter(Path.exists, (README, COMMANDS, Path("data/README.md"))):
        assert re.findall(r"^([a-z-]+) +\d+\.\d s ", document.read_text(), re.M) == STAGES, document


def test_the_readme_lists_every_page_of_the_docs() -> None:
    readme = README.read_text()
    pages = [*Path("docs").glob("*.md"), Path("CONTRIBUTING.md"), Path("CHANGELOG.md")]
    assert [str(page) for page in pages if f"`{page}`" not in readme] == []


def test_the_readme_lists_every_folder() -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    folders = {path.partition("/")[0] + "/" for path in tracked if "/" in path and not path.startswith(".")}
    assert [folder for folder in sorted(folders) if f"`{folder}`" not in README.read_text()] == []


def test_every_promise_in_the_readme_has_a_section_of_its_own() -> None:
    promised = re.findall(r"^\| \[(P\d+)\]", README.read_text(), re.M)
    assert promised == re.findall(r"^## (P\d+)\.", Path("docs/promises.md").read_text(), re.M)


def test_the_commands_page_shows_the_output_of_make() -> None:
    shown = subprocess.run(["make", "--no-print-directory"], capture_output=True, text=True, check=True).stdout
    assert shown in COMMANDS.read_text()
    assert set(re.findall(r"make ([a-z-]+)", shown)) >= TARGETS - {"setup-dev"}
    assert max(map(len, shown.splitlines())) <= 80


def test_the_libraries_page_names_every_direct_dependency() -> None:
    files = [Path("requirements.in"), *Path("requirements").glob("*.in")]
    wanted = {name for file in files for name in re.findall(r"^([A-Za-z0-9][\w-]*)", file.read_text(), re.M)}
    assert [name for name in sorted(wanted) if f"`{name}`" not in LIBRARIES.read_text()] == []
