"""Spells scalars, lists and comments of the YAML that is written for people to change."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator

import yaml

from waybill.text import shown

WIDTH = 120
PLAIN = re.compile(r"/[\w$./~*-]*|[A-Za-z_]\w*", re.ASCII)


def scalar(text: str) -> str:
    """Return a text as YAML reads it back, in quotes only if it needs them."""
    is_plain = PLAIN.fullmatch(text) and yaml.safe_load(text) == text
    return text if is_plain else quoted(text)


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    spelled = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in spelled)


def flow(texts: Iterable[str]) -> str:
    """Return a list in brackets."""
    return f"[{', '.join(map(scalar, texts))}]"


def comment(text: str, indent: str = "", below: str = "  ") -> Iterator[str]:
    """Yield a text as comment lines of at most 120 characters; what continues in the next line is indented."""
    yield from textwrap.wrap(
        shown(text),
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# {below}",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _escape(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
