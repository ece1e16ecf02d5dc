"""Spells scalars, lists and comments of the YAML that is written for people to change."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from waybill.text import shown

WIDTH = 120
PLAIN = re.compile(r"/[\w$./~*-]*|[A-Za-z_]\w*(\.\w+)*", re.ASCII)
WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}  # not read as texts without quotes


def scalar(text: str) -> str:
    """Return a text as YAML reads it back, in quotes only if it needs them."""
    return text if PLAIN.fullmatch(text) and text.lower() not in WORDS else quoted(text)


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    return escaped(json.dumps(text, ensure_ascii=False))


def flow(texts: Iterable[str]) -> str:
    """Return a list in brackets."""
    return f"[{', '.join(map(scalar, texts))}]"


def quoted_flow(texts: Iterable[str]) -> str:
    """Return a list of strings in brackets."""
    return f"[{', '.join(map(quoted, texts))}]"


def mapping(values: Mapping[str, str]) -> str:
    """Return a mapping in braces."""
    return "{" + ", ".join(f"{scalar(name)}: {scalar(value)}" for name, value in values.items()) + "}"


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


def escaped(text: str) -> str:
    """Return a text with escapes for what nobody sees; YAML and Jinja read them in quotes."""
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
