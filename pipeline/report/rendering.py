"""Renders the pages of the reports folder from templates that share styles, macros and filters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from waybill.cli import shown_command
from waybill.text import shown_lines

TEMPLATES = Path(__file__).with_name("templates")


def render_page(name: str, context: Mapping[str, Any], *, templates: Path = TEMPLATES) -> str:
    """Return the page of a template of the folder, which may include the report's templates, too.

    Values are escaped, invisible characters too; a page fetches nothing and runs no script.
    """
    return _environment(templates).get_template(name).render(shown_command=shown_command, **context)


def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([templates, TEMPLATES]),
        autoescape=True,
        finalize=lambda value: shown_lines(value) if type(value) is str else value,  # markup is a subclass
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["number"] = shown_number
    return environment


def shown_number(value: Any) -> str:
    """Return a number with four significant digits, a whole one with all of them; a dash for nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
