"""docs/lifecycle.md, followed word by word in a fresh clone: its commands work one after the other, and print as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.databases import rows
from tests.support.own_sources.clone import NewProject

PAGE = Path("docs/lifecycle.md")
BLOCK = re.compile(r"^```(sh|)\n(.*?)^```\n", re.M | re.S)
IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}T\d{6}Z-[0-9a-f]{8}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
NUMBER = re.compile(r"\d[\d,.]*")
PLURAL = re.compile(r"(?<=#) (\w{3,}?)s?\b")
# Nobody types the passphrase that gpg asks for.
CIPHER = {"gpg --symmetric --cipher-algo AES256 -o": "cat >", "gpg -d": "cat"}


def steps() -> list[tuple[str, list[str]]]:
    """Return each block of commands, with the lines of output that the page shows after it."""
    found: list[tuple[str, list[str]]] = []
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "sh":
            found.append((text, []))
        else:
            found[-1][1].extend(text.splitlines())
    return found


def shape(line: str) -> str:
    """Return a line without what differs from one run to the next: numbers, times, ids, plurals; coordinates as is."""
    if line.startswith("  guests.ndjson:"):
        return line
    return " ".join(PLURAL.sub(r" \1", NUMBER.sub("#", IDS.sub("ID", line))).split())


def files_with(text: str, project: Path) -> list[Path]:
    """Return the files with a text in the folders of a project that hold the user's part of it, or what runs made."""
    folders = [project / name for name in ("loader", "dbt_project", "expectations", "ml", "pipeline", "reports")]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "guests.yml" for path in paths)
    return [path for path in paths if text.encode() in path.read_bytes()]


def test_the_page_has_each_command_as_a_block() -> None:
    commands = "".join(commands for commands, _ in steps())
    for command in ("erase", "backup", "restore", "drill"):
        assert f"waybill {command} " in commands
    assert len([shown for _, shown in steps() if shown]) >= 4


@pytest.mark.slow
def test_every_command_of_the_page_works(database: str, tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    for commands, shown in steps():
        typed = commands.replace("--yes waybill", f"--yes {database}")
        for program, other in CIPHER.items():
            typed = typed.replace(program, other)
        output = project.bash(f"set -o pipefail\n{typed}").replace(f"database {database}", "database waybill")
        printed, expected = ([shape(line) for line in lines] for lines in (output.splitlines(), shown))
        if commands.startswith("waybill restore"):  # the page shows a larger warehouse, with models and topics
            assert printed[:2] == expected[:2], output
            assert {line.split(" ")[0] for line in printed[2:]} <= {line.split(" ")[0] for line in expected}, output
        elif shown:
            assert printed == expected, output
        if "restore" in commands or "erase guests G-1\n" in commands:
            assert rows("select guest_id from marts.fct_guests order by 1") == [("G-2",), ("G-3",)]
        if "erase guests G-1\n" in commands:
            assert files_with("Ada Lovelace", project.folder) == []
    assert rows("select landed, erased from ledger.books where source = 'guests'") == [(4, 2)]
