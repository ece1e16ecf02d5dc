"""`reports/index.html`: the page to open first; beside it `stories.html`, what became of single documents."""

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

from pipeline.accounting import OUTCOMES
from pipeline.consumption.words import ALL_COLUMNS
from pipeline.report.documents import MAX_DESCRIBED, SQL_OF
from pipeline.report.facts import ReportFacts, gather_facts
from pipeline.report.flow_picture import draw_flow
from pipeline.report.model import FIGURES
from warehouse.connection import engine
from waybill.atomic_files import write_atomic
from waybill.cli import run
from waybill.settings import Settings, get_settings, relative_name

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class ReportOutcome:
    """Where the page is; `rows` counts the documents that it accounts for."""

    rows: int
    summary: str
    path: Path


def write_report(stages: Sequence[Mapping[str, Any]] | None = None) -> ReportOutcome:
    """Write both pages, each whole in itself, and put them in place by a rename, the one that links last.

    `stages` are mappings with name, seconds, rows, summary and outcome; without them, those of the last run
    that the state folder remembers. What does not exist yet, marts or a model, is said to be missing.
    """
    settings = get_settings()
    folder = settings.reports_folder
    with engine("reader").connect() as connection:
        facts = gather_facts(connection, settings, stages)
    for name, page in render_report(facts, _links(settings)).items():
        write_atomic(folder / name, page)
    read = sum(account.read for account in facts.accounts)
    page_path = folder / "index.html"
    return ReportOutcome(read, f"{read:,} documents accounted for in {relative_name(page_path)}", page_path)


def render_report(facts: ReportFacts, links: Sequence[tuple[str, str, bool]]) -> dict[str, str]:
    """Return name → page; every value is escaped, nothing is fetched and no script runs."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["number"] = _number
    known = {
        "facts": facts,
        "links": links,
        "outcomes": OUTCOMES,
        "told_at_most": MAX_DESCRIBED,
        "sql_of": SQL_OF,
        "cost_columns": ALL_COLUMNS,
        "model_figures": FIGURES,
        "flow": draw_flow(facts.accounts) if facts.accounts else None,
    }
    pages = ("stories.html", "index.html")
    return {name: environment.get_template(f"{name.removesuffix('.html')}.html.j2").render(known) for name in pages}


def _links(settings: Settings) -> list[tuple[str, str, bool]]:
    """Return (title, relative path, whether it is there) of the pages to read on."""
    folder = settings.reports_folder
    pages = [
        ("dbt docs: models, columns, lineage", "dbt_docs.html"),
        ("Data Docs: what was validated", "data_docs/index.html"),
    ]
    return [(title, path, (folder / path).exists()) for title, path in pages]


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


@click.command(help="Write reports/index.html.\n\nExample: python -m pipeline.report.page")
def main() -> None:
    """Write the page, and say where it is."""
    click.echo(f"report: {write_report().summary}")


if __name__ == "__main__":
    run(main, "python -m pipeline.report.page")
