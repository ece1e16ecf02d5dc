"""Writes the report: `reports/index.html`, and `documents.html` with what happened to single documents."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.consumption.display import ALL_COLUMNS
from pipeline.report.documents import MAX_DESCRIBED, SQL_OF
from pipeline.report.facts import ReportFacts, gather_facts
from pipeline.report.flow_picture import MIN_HEIGHT, draw_flow
from pipeline.report.model import FIGURES
from warehouse.connection import engine
from warehouse.outcomes import OUTCOMES
from waybill.atomic_files import write_atomic
from waybill.cli import run, shown_command
from waybill.settings import Settings, get_settings, relative_name
from waybill.text import counted, shown_lines

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class ReportResult:
    """Where the report is; `rows` counts the documents it accounts for."""

    rows: int
    summary: str
    path: Path


def write_report(stages: Sequence[Mapping[str, Any]] | None = None) -> ReportResult:
    """Write both pages, the index last, since it links to the other. Each is replaced atomically.

    `stages` are mappings with name, seconds, rows, summary and outcome; the default is the last run's, as recorded in
    the state folder. The pages say which parts, such as marts or a model, do not exist yet.
    """
    settings = get_settings()
    folder = settings.reports_folder
    with engine("reader").connect() as connection:
        facts = gather_facts(connection, settings, stages)
    for name, page in render_report(facts, _links(settings)).items():
        write_atomic(folder / name, page)
    read = sum(account.read for account in facts.accounts)
    page_path = folder / "index.html"
    others = f", {facts.not_modelled:,} not modelled," if facts.not_modelled else ""
    summary = f"{counted(read - facts.not_modelled, 'document')} accounted for{others} in {relative_name(page_path)}"
    return ReportResult(read, summary, page_path)


def render_report(facts: ReportFacts, links: Sequence[tuple[str, str, bool]]) -> dict[str, str]:
    """Return name → page. Values are escaped, invisible characters too; the pages fetch nothing and run no script."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=lambda value: shown_lines(value) if type(value) is str else value,  # markup is a subclass
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["number"] = _number
    context = {
        "facts": facts,
        "links": links,
        "outcomes": OUTCOMES,
        "max_described": MAX_DESCRIBED,
        "sql_of": SQL_OF,
        "shown_command": shown_command,
        "cost_columns": ALL_COLUMNS,
        "model_figures": FIGURES,
        "min_height": int(MIN_HEIGHT),
        "flow": draw_flow(facts.accounts) if facts.accounts else None,
    }
    pages = ("documents.html", "index.html")
    return {name: environment.get_template(f"{name.removesuffix('.html')}.html.j2").render(context) for name in pages}


def _links(settings: Settings) -> list[tuple[str, str, bool]]:
    """Return title, relative path and whether it exists, for each page that others write."""
    folder = settings.reports_folder
    pages = [
        ("dbt docs: models, columns, lineage", "dbt_docs.html"),
        ("Data Docs: validation results", "data_docs/index.html"),
    ]
    return [(title, path, (folder / path).exists()) for title, path in pages]


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


@click.command(help="Write reports/index.html.\n\nExample: python -m pipeline.report.page")
def main() -> None:
    """Write the report and print where it is."""
    click.echo(f"report: {write_report().summary}")


if __name__ == "__main__":
    run(main, "python -m pipeline.report.page")
