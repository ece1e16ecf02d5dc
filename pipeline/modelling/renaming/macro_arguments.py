"""Finds the arguments of dbt macros that are names of sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ARGUMENT = "source_name"
DEFINED = re.compile(r"\{%-?\s*macro (\w+)\((.*?)\)\s*-?%\}", re.DOTALL)
OPENING, CLOSING, QUOTES = "([{", ")]}", "'\""


def source_arguments(macros: Path) -> dict[str, int]:
    """Return macro -> the position of its argument `source_name`."""
    found = {}
    for path in sorted(macros.rglob("*.sql")):
        for name, signature in DEFINED.findall(path.read_text(encoding="utf-8")):
            names = [argument.partition("=")[0].strip() for argument in _split(signature)]
            if ARGUMENT in names:
                found[name] = names.index(ARGUMENT)
    return found


def with_source(text: str, macros: dict[str, int], old: str, new: str) -> str:
    """Return a text in which the calls of these macros name the new source instead of the old one."""
    edits: list[tuple[int, int]] = []
    calls = re.compile(rf"\b({'|'.join(map(re.escape, macros))})\(") if macros else re.compile("(?!)")
    for call in calls.finditer(text):
        start = call.end()
        for number, argument in enumerate(_split(text[start:], is_open=True)):
            name, equals, value = argument.partition("=")
            is_named = bool(equals) and name.strip() == ARGUMENT
            written = value if is_named else argument
            if (is_named or number == macros[call[1]]) and written.strip() in (f"'{old}'", f'"{old}"'):
                at = start + len(argument) - len(written) + written.index(old)
                edits.append((at, at + len(old)))
            start += len(argument) + 1
    for begin, end in sorted(set(edits), reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def _split(text: str, *, is_open: bool = False) -> Iterator[str]:
    """Yield the arguments of a list, as they are written; of an open one, as far as the bracket that closes it."""
    depth, begin, quote = 0, 0, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES:
            quote = letter
        elif letter in OPENING:
            depth += 1
        elif letter in CLOSING and depth:
            depth -= 1
        elif letter in CLOSING and is_open:
            yield text[begin:at]
            return
        elif letter == "," and not depth:
            yield text[begin:at]
            begin = at + 1
    yield text[begin:]
