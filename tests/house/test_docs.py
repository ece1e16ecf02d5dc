"""Everything that the docs name exists: targets, commands, options, variables, paths, tests and links."""

from __future__ import annotations

import io
import re
import runpy
import signal
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from dotenv import dotenv_values

from loader.declarations import source_names
from tests.house.sample import FILLED_BY_NEW, SAMPLE, text_of
from waybill.__main__ import ENTRIES
from waybill.settings import Settings

DOCUMENTS = [
    *filter(Path.exists, map(Path, ("README.md", "CONTRIBUTING.md", "data/README.md", "expectations/README.md"))),
    *sorted(Path("docs").glob("*.md")),
]
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
BELOW = {"expectations/README.md": "expectations/context"}  # a folder that its names can be in, too
LIBPQ_VARIABLES = {  # that only libpq reads
    "PGAPPNAME", "PGCLIENTENCODING", "PGDATESTYLE", "PGGEQO", "PGHOSTADDR", "PGOPTIONS", "PGPASSFILE", "PGREQUIREAUTH",
    "PGSERVICE", "PGSSLROOTCERT", "PGTARGETSESSIONATTRS", "PGTZ",
}  # fmt: skip
PASS_EVERYTHING_ON = ("airflow", "dbt", "psql")  # to programs whose options they are
BUILT = {
    "data/README.md": ("raw", "processed", *source_names()),
    "docs/rncp38919.md": ("scripts",),
}  # made by runs, or of the user's plan


def code_of(document: Path) -> list[str]:
    """Return the text in backticks and the lines of fenced blocks, without rows about what is still to come."""
    text = re.sub(r".*à venir.*", "", text_of(document))
    fenced = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.M | re.S)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    return [*inline, *(line for block in fenced for line in block.splitlines())]


@cache
def help_of(module: str, command: str = "") -> str:
    """Return what `python -m MODULE COMMAND --help` prints. It runs in this process, which has imported most already."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), redirect_stdout(output):
        warnings.simplefilter("ignore")
        patch.setattr(sys, "argv", [module, *command.split(), "--help"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert not ended.value.code
    return output.getvalue()


def options_in(words: str) -> list[str]:
    return re.findall(r"--[a-z][a-z-]*", words.partition(" -- ")[0])


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
            is_group = "Commands:" in help_of(module)
            if subcommand and is_group:
                assert f"\n  {subcommand[1]} " in help_of(module), code
            shown = help_of(module, subcommand[1] if subcommand and is_group else "") if options_in(rest) else ""
            assert [option for option in options_in(rest) if option not in shown] == [], code


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_waybill_command_and_option_exists(document: Path) -> None:
    for code in code_of(document):
        for command, rest in re.findall(r"(?:^|\s|\.venv/bin/)waybill ([a-z][a-z-]*)([^|#&]*)", code):
            assert command in ENTRIES, f"{document}: {code}"
            if command not in PASS_EVERYTHING_ON:
                subcommand = re.match(r" ([a-z]+)\b", rest)
                is_group = subcommand and "Commands:" in help_of("waybill", command)
                shown = help_of("waybill", f"{command} {subcommand[1]}" if subcommand and is_group else command)
                assert [option for option in options_in(rest) if option not in shown] == [], code


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_variable_exists(document: Path) -> None:
    known = {name.upper() for name in Settings.model_fields} | set(dotenv_values(".env.example"))
    named = set(re.findall(r"\b(?:PG[A-Z]{3,}|WAYBILL_[A-Z_]+|KAFKA_[A-Z_]+)\b", text_of(document)))
    assert named - known - LIBPQ_VARIABLES == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_path_exists(document: Path) -> None:
    named = {code for code in code_of(document) if re.fullmatch(r"[\w.-]+/[\w./-]*|[\w-]+\.(?:md|yml|toml)", code)}
    folders = (Path(), document.parent, Path(BELOW.get(str(document), ".")))
    missing = [
        name
        for name in sorted(named)
        if not any((folder / name).exists() for folder in folders)
        and not name.startswith(MADE_BY_RUNS)
        and (SAMPLE or name.rstrip("/") not in FILLED_BY_NEW)
        and name.partition("/")[0] not in BUILT.get(str(document), ())
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_named_test_exists(document: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text_of(document)):
        assert f"def {name}(" in Path(path).read_text(), name


@pytest.mark.parametrize("document", [*DOCUMENTS, Path("CHANGELOG.md")], ids=str)
def test_every_link_leads_to_a_file_and_heading(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
        path, _, heading = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), target
        assert not heading or heading in headings_of(linked), target


def headings_of(document: Path) -> list[str]:
    """Return the names by which links reach the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_audit_in_the_docs_covers_every_lock() -> None:
    [patterns] = re.findall(r"for file in ([^;]+); do .*pip-audit", Path("docs/security.md").read_text())
    covered = {path for pattern in patterns.split() for path in Path().glob(pattern)}
    tracked = subprocess.run(["git", "ls-files", "*.txt"], capture_output=True, text=True, check=True).stdout.split()
    locks = {path for path in map(Path, tracked) if "--hash=" in path.read_text()}
    assert covered == locks
