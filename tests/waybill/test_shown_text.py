"""Text from outside is shown so that it cannot control the terminal, whichever way it is printed."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import unicodedata

import pytest

from waybill.text import INVISIBLE, ShownStream, console, shown, shown_bytes, shown_lines

# What each kind of character can do: move the cursor, retitle the window, reverse a line, hide, forge a line.
DANGEROUS = {
    "\x1b[2J": "\\x1b[2J",
    "\x1b]0;title\x07": "\\x1b]0;title\\x07",
    "\x9b31m": "\\u009b31m",
    "\x00\x08\x0b\x7f": "\\x00\\x08\\x0b\\x7f",
    "a\rb\nc\td": "a\\rb\\nc\\td",
    "\u202egnp.exe\u2066\u061c\u200e": "\\u202egnp.exe\\u2066\\u061c\\u200e",
    "a\u2028b\u2029c\x85": "a\\u2028b\\u2029c\\u0085",
    "a\u200bb\u200dc\ufeffd\u00ade": "a\\u200bb\\u200dc\\ufeffd\\u00ade",
    "\u00a0\u3000\u3164\ufe0f": "\\u00a0\\u3000\\u3164\\ufe0f",
    "\U000e0041\U000e0100": "\\U000e0041\\U000e0100",
    "\ud800 \udcff": "\\ud800 \\xff",
}
PLAIN = ["[red]né[/]", "日本語 🛫 العربية", '{"a": "\\u001b"}', "C:\\x1b"]


@pytest.mark.parametrize(("text", "expected"), DANGEROUS.items())
def test_what_controls_a_terminal_is_an_escape(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(expected) == expected


@pytest.mark.parametrize("text", PLAIN)
def test_visible_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_no_character_of_a_dangerous_category_is_shown_raw() -> None:
    categories = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    raw = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in categories and code != 32]
    assert [hex(code) for code in raw if chr(code) in shown(chr(code))] == []
    assert [letter for letter in shown(INVISIBLE.pattern) if INVISIBLE.match(letter)] == []


def test_bytes_and_lines_are_shown() -> None:
    assert shown_bytes(b"a\xff\x1b\n\xc3\xa9") == "a\\xff\\x1b\\né"
    assert shown_lines("one\ntwo\x1b") == "one\ntwo\\x1b"


def test_a_stream_shows_all_that_is_written_to_it() -> None:
    plain = io.TextIOWrapper(io.BytesIO(), "latin-1", newline="")
    stream = ShownStream(plain)
    stream.write("é\x1b[1m\n")
    stream.writelines(["日\u202e"])
    stream.flush()
    assert plain.buffer.getvalue() == b"\xe9\\x1b[1m\n\\u65e5\\u202e"  # type: ignore[attr-defined]


def test_only_colours_are_let_through_for_dbt() -> None:
    plain = io.StringIO()
    stream = ShownStream(plain)
    stream.keeps_colours = True
    stream.write("\x1b[32mPASS\x1b[0m \x1b[2J\x1b]0;title\x07")
    assert plain.getvalue() == "\x1b[32mPASS\x1b[0m \\x1b[2J\\x1b]0;title\\x07"


def test_a_table_shows_text_and_reads_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    terminal = console()
    terminal.print("[red]x[/nothing] \x1b[2J")
    assert output.getvalue() == "[red]x[/nothing] \\x1b[2J\n"


def run(*arguments: bytes | str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "waybill", *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((b"lo\x1b[2J\xff",), 2),
        (("load", "\x1b[2J\nsource"), 1),
        (("load", "--\x1b[2J"), 2),
        (("load", "--layout", "\x1b]0;x\x07"), 2),
        (("check", "\x1b[2J"), 1),
    ],
)
def test_an_error_message_shows_what_was_typed(arguments: tuple[bytes | str, ...], code: int) -> None:
    ran = run(*arguments)
    assert ran.returncode == code
    assert b"\\x1b" in ran.stderr
    assert shown_lines(ran.stderr.decode()) == ran.stderr.decode()
    assert b"Traceback" not in ran.stderr


def test_a_log_message_is_one_line() -> None:
    script = (
        "import logging, click\nfrom waybill.cli import run\n"
        "@click.command()\ndef main(): logging.warning('name=%s', 'a\\nb\\x1b')\n"
        "run(main, 'main')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.stderr.endswith(f"{logging.getLevelName(logging.WARNING)} root: name=a\\nb\\x1b\n")
    assert ran.stderr.count("\n") == 1


def test_a_fault_shows_its_traceback_and_a_message() -> None:
    script = (
        "import click\nfrom waybill.cli import run\n"
        "@click.command()\ndef main(): raise ValueError('\\x1b[2J')\n"
        "run(main, 'main')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "ValueError: \\x1b[2J\n" in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("error: ValueError: this is a fault of Waybill")
