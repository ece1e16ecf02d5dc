"""Whatever is typed after `waybill`, a command ends with 0, 1, 2 or, with alerts, 3: no input ends in a traceback."""

from __future__ import annotations

import copy
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.landing.raw_tables import make_raw_tables
from pipeline.alerts.command import ALERTS
from tests.support.declared.orders import declare_orders
from waybill import __main__ as one
from waybill.cli import run
from waybill.text import shown_lines

# Only what they are given is tried: they would delete, replace this process, run other programs, or never end.
NOT_RUN = ("up", "down", "reset", "destroy", "psql", "pgadmin", "airflow", "broker", "sample", "produce", "consume", "serve", "run", "dbt",
           "demo", "stream", "conso", "report", "export",
           "sources", "new", "adopt", "remove", "rename", "new-task")  # fmt: skip  # these write files of the project
NO_ARGUMENTS = ("status",)
SOURCES = ("orders", "cafes")
COORDINATES = (
    "x:1",
    ":1",
    "x:",
    "x:\u00b2",
    "x:\uff11",
    "x:-1",
    "x:1e3",
    f"x:{'9' * 30}",
    f"x:{'9' * 5000}",
    "x:0:1",
    "x:0:\u00b2",
)
PATHS = (
    ".",
    "..",
    "/",
    "/dev/null",
    "/dev/full",
    "/dev/fd/99",
    "/nonexistent/x",
    "a/" * 200,
    "n" * 300,
    "-",
    "\udcff.json",
    "~",
    "*",
)
NUMBERS = ("0", "-1", "1e999", "nan", "inf", "1e-320", "\u00b2", "0x10", "9" * 40)
OTHERS = (
    "",
    " ",
    "--",
    "---",
    "-\udcff",
    "\x1b[2J",
    "\u202e",
    "[red]",
    "[/]",
    "%s",
    "{0}",
    "{{ x }}",
    "'",
    "$(x)",
    "fct_orders",
)
OPTIONS = ("--layout", "--records-at", "--dry-run", "--reason", "--export", "--task", "--force", "--only-if-changed", "--write", "--rate", "--topic",
           "--loop", "--create", "--yes", "--name", "--help", "-h", "ndjson", "not_json", "--export=", "--task=", "--source")  # fmt: skip
POOL = [*SOURCES, *COORDINATES, *PATHS, *NUMBERS, *OTHERS, *OPTIONS]
WORDS = st.one_of(
    st.sampled_from(POOL),
    st.binary(max_size=12).map(lambda typed: os.fsdecode(typed.replace(b"\0", b"0"))),
)


@pytest.fixture(scope="module")
def commands(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Declare the source orders, make its raw table, and let the commands in NOT_RUN do nothing."""
    with pytest.MonkeyPatch.context() as patch:
        declare_orders(tmp_path_factory.mktemp("declared"), patch)
        make_raw_tables()
        yield from _with_inert_commands()


def _with_inert_commands() -> Iterator[None]:
    group = one.waybill
    assert isinstance(group, one.Commands)
    before = dict(group.commands)
    for name in NOT_RUN:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        group.commands[name] = _that_does_nothing(command)
    yield
    group.commands = before


def _that_does_nothing(command: click.Command) -> click.Command:
    inert = copy.copy(command)
    inert.callback = lambda **given: None
    if isinstance(inert, click.Group):
        inert.commands = {name: _that_does_nothing(inner) for name, inner in inert.commands.items()}
    return inert


@contextmanager
def typed(words: list[str]) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Let the process look as if these words had been typed, with nothing on standard input; undo it at the end."""
    before = (sys.argv, sys.stdin, sys.stdout, sys.stderr)
    handler = signal.getsignal(signal.SIGINT)
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "")
        sys.argv, sys.stdout, sys.stderr = ["waybill", *words], output, errors
        sys.stdin = io.TextIOWrapper(io.BytesIO(b""))
        try:
            yield output, errors
        finally:
            sys.argv, sys.stdin, sys.stdout, sys.stderr = before
            signal.signal(signal.SIGINT, handler)


def end_of(words: list[str]) -> str:
    """Run a command line in this process, in its current folder; check how it ends, and return what it says."""
    with typed(words) as (output, errors), pytest.raises(SystemExit) as ended:
        run(one.waybill, "waybill")
    said = errors.getvalue()
    assert ended.value.code in (0, 1, 2, ALERTS), words
    assert "Traceback" not in said and "fault of Waybill" not in said, (words, said)
    assert said or output.getvalue() or ended.value.code == 0, words
    assert shown_lines(said) == said, words
    return said


@pytest.mark.parametrize("command", [name for name in one.ENTRIES if name not in NOT_RUN and name not in NO_ARGUMENTS])
def test_no_single_word_ends_in_a_traceback(
    commands: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = ["orders"] if command in ("load", "rejects") else []
    said = [end_of([command, *before, word]) for word in POOL]
    assert len({*said}) > 3, "the words reach the command"


@pytest.mark.parametrize("command", one.ENTRIES)
@settings(max_examples=settings.default.max_examples // 2)
@given(words=st.lists(WORDS, min_size=1, max_size=4))
def test_no_command_line_ends_in_a_traceback(
    commands: None, tmp_path_factory: pytest.TempPathFactory, command: str, words: list[str]
) -> None:
    with chdir(tmp_path_factory.mktemp("here")):
        end_of([command, *words])


@given(words=st.lists(WORDS, max_size=3))
def test_no_unknown_command_ends_in_a_traceback(commands: None, words: list[str]) -> None:
    end_of(words)
