"""Documents, field names and file names that would control a terminal are shown as escapes by every command."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.declared.orders import order, write_declaration
from waybill.text import shown_lines

NAME = "a\x1b[2J\nb\u202e[red].ndjson"
SHOWN_NAME = "a\\x1b[2J\\nb\\u202e[red].ndjson"
REJECTED = {
    b'{"note": "\x1b[2J\x1b]0;title\x07"}': '{"note": "\\x1b[2J\\x1b]0;title\\x07"}',
    b"\x1b[31m not json [/red]": "\\x1b[31m not json [/red]",
    "\u202etxt.nosj ton\u00a0".encode(): "\\u202etxt.nosj ton\\u00a0",
    b"x\x7f\x9b": "x\\x7f\\x9b",
}
LANDED = json.dumps({**order(), "odd\x1b]0;t\x07\n\u202e": "\u202e"}, ensure_ascii=False).encode()

COMMAND = [sys.executable, "-m", "tests.support.declared", "the folder of declarations", "waybill"]


@pytest.fixture(scope="module", autouse=True)
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("declared")
    write_declaration(folder)
    COMMAND[-2] = str(folder)
    return folder


def piped(*arguments: str) -> str:
    """Return what a command writes to a pipe; check that none of it can control a terminal."""
    command = [*COMMAND, *arguments]
    ran = subprocess.run(command, capture_output=True, check=True)
    output = ran.stdout.decode()
    assert shown_lines(output) == output
    assert "\x1b" not in ran.stderr.decode()
    return output


def on_a_terminal(*arguments: str) -> str:
    """Return what a command writes to a terminal."""
    outer, inner = pty.openpty()
    process = subprocess.Popen([*COMMAND, *arguments], stdout=inner)
    os.close(inner)
    seen = b""
    try:
        while block := os.read(outer, 1 << 16):
            seen += block
    except OSError:  # how Linux says that the other end is closed
        pass
    assert process.wait() == 0
    os.close(outer)
    return seen.decode().replace("\r\n", "\n")


@pytest.fixture
def file(database: str, tmp_path: Path) -> str:
    """Return a file with one document that lands, whose field is drift, and others that are rejected."""
    path = tmp_path / NAME
    path.write_bytes(b"\n".join([*REJECTED, LANDED]))
    return str(path)


def test_a_document_cannot_control_the_terminal(file: str) -> None:
    dry_run = piped("load", "orders", file, "--dry-run")
    assert dry_run.count(f"{SHOWN_NAME}:") == len(REJECTED)
    piped("load", "orders", file)
    rejects = piped("rejects", "orders").splitlines()
    assert rejects[1:-1:2] == [f"    {text}" for text in REJECTED.values()]
    assert "\n".join(rejects) + "\n" == on_a_terminal("rejects", "orders")
    assert (
        piped("drift", "orders").splitlines()[0].startswith("orders       /odd\\x1b]0;t\\x07\\n\\u202e (string) in 1 ")
    )
    for position, text in enumerate([*REJECTED.values(), '"odd\\u001b]0;t\\u0007\\n\\u202e": "\\u202e"}'], start=1):
        assert text in piped("why", f"{file}:{position}")
    assert on_a_terminal("why", f"{file}:1") == piped("why", f"{file}:1")
    assert piped("replay", "orders").count(f"{SHOWN_NAME}:") == len(REJECTED)
