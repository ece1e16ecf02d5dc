"""Fills in the templates of generated files, and spells texts for Jinja and comments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.modelling.design import JSON, Column
from pipeline.modelling.writing.yaml_text import escaped, flow, mapping, quoted, quoted_flow, scalar

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: object) -> str:
    """Return the text of a template whose variables are in square brackets, since dbt's own are in braces."""
    return _environment().get_template(template).render(**values)


def literal(text: str) -> str:
    """Return a text as Jinja's string literal."""
    spelled = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped(spelled)}'"


def literals(texts: Iterable[str]) -> str:
    """Return texts as Jinja's list of string literals."""
    return f"[{', '.join(map(literal, texts))}]"


def plain(text: str) -> str:
    """Return a text of the data, such as a path, on one line and never read as Jinja, for comments and descriptions."""
    return re.sub(r"\{(?=[{%#])|(?<=[}%#])\}", lambda found: f"{{{{ '{found[0]}' }}}}", escaped(text))


def cast(column: Column) -> str:
    """Return the column of a staging model that casts a field; texts and JSON need no cast."""
    if column.type in ("text", JSON):
        return column.name
    return f"{{{{ cast_when_castable('{column.name}', types['{column.name}']) }}}} as {column.name}"


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
