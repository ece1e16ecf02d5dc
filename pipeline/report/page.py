"""Writes the report: `index.html`, `documents.html` with what happened to single documents, and the model card."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pipeline.consumption.display import ALL_COLUMNS
from pipeline.model_card.page import PAGE, write_model_card
from pipeline.report.documents import MAX_DESCRIBED, SQL_OF
from pipeline.report.facts import ReportFacts, gather_facts
from pipeline.report.flow_picture import MIN_HEIGHT, draw_flow
from pipeline.report.model import CLASS_FIGURES, SETS
from pipeline.report.rendering import render_page
from warehouse.connection import engine
from warehouse.outcomes import OUTCOMES
from waybill.atomic_files import write_atomic
from waybill.cli import run
from waybill.settings import Settings, get_settings, relative_name
from waybill.text import counted

PAGES = ("documents.html", "index.html")


@dataclass(frozen=True)
class ReportResult:
    """Where the report is; `rows` counts the documents it accounts for."""

    rows: int
    summary: str
    path: Path


def write_report(stages: Sequence[Mapping[str, Any]] | None = None) -> ReportResult:
    """Write all pages, the index last, since it links to the others. Each is replaced atomically.

    `stages` are mappings with name, seconds, rows, summary and outcome; the default is the last run's, as recorded in
    the state folder. The pages say which parts, such as marts or a model, do not exist yet.
    """
    settings = get_settings()
    folder = settings.reports_folder
    with engine("reader").connect() as connection:
        facts = gather_facts(connection, settings, stages)
        write_model_card(connection, settings)
    for name, page in render_report(facts, _links(settings)).items():
        write_atomic(folder / name, page)
    read = sum(account.read for account in facts.accounts)
    page_path = folder / "index.html"
    others = f", {facts.not_modelled:,} not modelled," if facts.not_modelled else ""
    summary = f"{counted(read - facts.not_modelled, 'document')} accounted for{others} in {relative_name(page_path)}"
    return ReportResult(read, summary, page_path)


def render_report(facts: ReportFacts, links: Sequence[tuple[str, str, bool]]) -> dict[str, str]:
    """Return name → page."""
    context = {
        "facts": facts,
        "links": links,
        "outcomes": OUTCOMES,
        "max_described": MAX_DESCRIBED,
        "sql_of": SQL_OF,
        "cost_columns": ALL_COLUMNS,
        "class_columns": [*SETS, *CLASS_FIGURES],
        "min_height": int(MIN_HEIGHT),
        "flow": draw_flow(facts.accounts) if facts.accounts else None,
    }
    return {name: render_page(f"{name}.j2", context) for name in PAGES}


def _links(settings: Settings) -> list[tuple[str, str, bool]]:
    """Return title, relative path and whether it exists, for each other page; the model card only if there is one."""
    folder = settings.reports_folder
    card = [("Model card: figures, weak spots, limits", PAGE)] if (folder / PAGE).exists() else []
    pages = [
        ("dbt docs: models, columns, lineage", "dbt_docs.html"),
        ("Data Docs: validation results", "data_docs/index.html"),
        *card,
    ]
    return [(title, path, (folder / path).exists()) for title, path in pages]


@click.command(
    help="Write reports/index.html, documents.html beside it and, if a task has a model, the model card model.html.\n\n"
    "Example: python -m pipeline.report.page"
)
def main() -> None:
    """Write the report and print where it is."""
    click.echo(f"report: {write_report().summary}")


if __name__ == "__main__":
    run(main, "python -m pipeline.report.page")
