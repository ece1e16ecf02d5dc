"""The one command: its help, its names, its completion, and how it is typed in each shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.support.clones import make_clone, run_in
from waybill.__main__ import ENTRIES, SECTIONS, Commands, waybill
from waybill.sample_commands import is_shipped

HEAVY = ("psycopg2", "sqlalchemy", "pydantic", "dbt", "pandas", "kafka", "rich")
SHIPPED = [name for name, entry in ENTRIES.items() if is_shipped(entry.path.partition(":")[0])]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone on a path with blanks and accents."""
    return make_clone(tmp_path_factory.mktemp("clone") / "wäy bill")


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "waybill", *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


def completions(*words: str) -> list[str]:
    """Return the shell's completions of the last word."""
    typed = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1), "_WAYBILL_COMPLETE": "bash_complete"}
    return [line.partition(",")[2] for line in run(**typed).stdout.splitlines()]


def test_help_lists_every_command_by_job() -> None:
    output = run("--help").stdout
    for section, entries in SECTIONS.items():
        assert f"\n{section}:\n" in output
        width = max(10, *(len(name) for name in entries))
        for name, entry in entries.items():
            assert (f"\n  {name:<{width}}  {entry.does}\n" in output) == (name in SHIPPED)
    assert run().stdout == output


@pytest.mark.parametrize("arguments", ["['waybill', '--help']", "['waybill', 'lod']"])
def test_help_and_mistakes_import_no_library(arguments: str) -> None:
    script = (
        f"import sys; sys.argv = {arguments}\n"
        "import waybill.__main__\n"
        "try: waybill.__main__.main()\n"
        f"except SystemExit: print('imported', [name for name in {HEAVY} if name in sys.modules])"
    )
    output = subprocess.check_output([sys.executable, "-c", script], text=True, stderr=subprocess.DEVNULL)
    assert output.splitlines()[-1] == "imported []"


@pytest.mark.parametrize("name", SHIPPED)
def test_each_command_exists_and_its_help_opens_so(name: str) -> None:
    context = click.Context(waybill, info_name="waybill")
    assert isinstance(waybill, Commands)
    command = waybill.get_command(context, name)
    assert command is not None
    output = command.get_help(click.Context(command, parent=context, info_name=name)).splitlines()
    example = next(line.strip() for line in output if "Example: " in line)
    assert output[0].startswith(f"Usage: waybill {name} ")
    assert output[2].strip() == example
    assert f"waybill {name} {ENTRIES[name].example}".rstrip() in example
    assert sum("Example: " in line for line in output) == 1


@pytest.mark.parametrize(("mistake", "meant"), [("lod", "load"), ("reject", "rejects"), ("consumer", "consume")])
def test_an_unknown_command_suggests_the_nearest_one(mistake: str, meant: str) -> None:
    ran = run(mistake)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"Error: there is no command '{mistake}': did you mean `")
    assert line.endswith(f"waybill {meant}`?")


def test_an_unlike_command_names_the_list() -> None:
    assert run("xyzzy").stderr.endswith("waybill --help` lists them\n")


def test_the_shell_completes_commands_and_options() -> None:
    assert completions("waybill", "re") == ["restore", "reset", "rename", "remove", "rejects", "replay", "report"]
    assert completions("waybill", "load", "--dry") == ["--dry-run"]
    assert completions("waybill", "broker", "") == ["down", "status", "up"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str) -> None:
    script = run("completion", shell).stdout
    assert f"_WAYBILL_COMPLETE={shell}_complete" in script


@pytest.mark.slow
def test_bash_completes_after_the_script_is_loaded(clone: Path) -> None:
    script = (
        'PATH="$PWD/.venv/bin:$PATH"; eval "$(waybill completion bash)"; '
        "COMP_WORDS=(waybill tr); COMP_CWORD=1; _waybill_completion waybill; echo ${COMPREPLY[*]}"
    )
    assert run_in(clone, "bash", "-c", script).stdout == "train\n"


@pytest.mark.slow
def test_help_shows_the_command_as_this_shell_takes_it(clone: Path) -> None:
    plain = run_in(clone, ".venv/bin/waybill", "load", "--help").stdout
    on_path = run_in(clone, "sh", "-c", 'PATH="$PWD/.venv/bin:$PATH"; cd / && waybill load --help').stdout
    elsewhere = run_in(clone, "sh", "-c", 'here=$PWD; cd / && "$here/.venv/bin/waybill" load --help').stdout
    assert plain.startswith("Usage: .venv/bin/waybill load ")
    assert on_path.startswith("Usage: waybill load ")
    assert f"Example: '{clone}/.venv/bin/waybill' load cafes" in elsewhere


def test_python_dash_m_shows_itself_in_usage() -> None:
    output = subprocess.check_output([sys.executable, "-m", "loader", "load", "--help"], text=True)
    assert output.startswith("Usage: python -m loader load ")


@pytest.mark.slow
def test_a_linked_command_works_from_any_folder(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "waybill").symlink_to(clone / ".venv" / "bin" / "waybill")
    ran = run_in(clone, "sh", "-c", f"cd / && '{tmp_path}/waybill' run --help")
    assert "check-marts  validate the marts" in ran.stdout


def test_dbt_gets_all_arguments_and_the_environment(database: str, tmp_path: Path) -> None:
    query = "select session_user || '' as who"
    command = [sys.executable, "-P", "-m", "waybill", "dbt", "show", "--quiet", "--log-level-file", "none"]
    variables = {**os.environ, "PYTHONPATH": os.getcwd(), "DBT_TARGET_PATH": str(tmp_path)}
    ran = subprocess.run(
        [*command, "--inline", query], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert "waybill_transformer" in ran.stdout
