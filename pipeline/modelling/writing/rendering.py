"""Fills in the templates of generated files, and spells texts for Jinja, YAML and comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.modelling.design import JSON, Column

TEMPLATES = Path(__file__).with_name("templates")
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
YAML_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def render(template: str, **values: object) -> str:
    """Return the text of a template whose variables are in square brackets, since dbt's own are in braces."""
    return _environment().get_template(template).render(**values)


def literal(text: str) -> str:
    """Return a text as Jinja's string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{_escaped(escaped)}'"


def literals(texts: Iterable[str]) -> str:
    """Return texts as Jinja's list of string literals."""
    return f"[{', '.join(map(literal, texts))}]"


def quoted(text: str) -> str:
    """Return a text as YAML's string in double quotes."""
    return f'"{_escaped(json.dumps(text, ensure_ascii=False)[1:-1])}"'


def plain(text: str) -> str:
    """Return a text of the data, such as a path, on one line and never read as Jinja, for comments and descriptions."""
    return re.sub(r"\{(?=[{%#])|(?<=[}%#])\}", lambda found: f"{{{{ '{found[0]}' }}}}", _escaped(text))


def cast(column: Column) -> str:
    """Return the column of a staging model that casts a field; texts and JSON need no cast."""
    if column.type in ("text", JSON):
        return column.name
    return f"{{{{ cast_when_castable('{column.name}', types['{column.name}']) }}}} as {column.name}"


def scalar(text: str) -> str:
    """Return a text as YAML's scalar, in quotes only if it needs them."""
    return text if PLAIN.fullmatch(text) and text.lower() not in YAML_WORDS else quoted(text)


def flow(texts: Iterable[str]) -> str:
    """Return texts as YAML's list in brackets."""
    return f"[{', '.join(map(scalar, texts))}]"


def quoted_flow(texts: Iterable[str]) -> str:
    """Return texts as YAML's list of strings in brackets."""
    return f"[{', '.join(map(quoted, texts))}]"


def mapping(values: Mapping[str, str]) -> str:
    """Return YAML's mapping in braces."""
    return "{" + ", ".join(f"{scalar(name)}: {scalar(value)}" for name, value in values.items()) + "}"


def _escaped(text: str) -> str:
    return "".join(
        sign if sign.isprintable() else f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
        for sign in text
    )


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 (it writes SQL and YAML, not HTML)
        loader=FileSystemLoader(TEMPLATES),
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        function.__name__: function
        for function in (literal, literals, quoted, plain, cast, scalar, flow, quoted_flow, mapping)
    }
    return environment
