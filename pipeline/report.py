"""`reports/index.html`: one page that says what came in, where it went, what it cost and where to read on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.accounting import OUTCOMES
from pipeline.report_facts import NAMED_AT_MOST, ReportFacts, gather_facts
from warehouse.cli import run
from warehouse.connection import engine
from warehouse.settings import Settings, get_settings, relative_name

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class ReportOutcome:
    """Where the page is; `rows` counts the documents that it accounts for."""

    rows: int
    summary: str
    path: Path


def write_report(stages: Sequence[Mapping[str, Any]] | None = None) -> ReportOutcome:
    """Write the page, whole in itself, and put it in place by a rename.

    `stages` are mappings with name, seconds, rows, summary and outcome; without them, those of the last run
    that the state folder remembers. What does not exist yet, marts or a model, is said to be missing.
    """
    settings = get_settings()
    folder = settings.reports_folder
    folder.mkdir(parents=True, exist_ok=True)
    with engine("reader").connect() as connection:
        facts = gather_facts(connection, settings, stages)
    page, partial = folder / "index.html", folder / f".index.html.{os.getpid()}"
    partial.write_text(render_report(facts, _links(settings)), encoding="utf-8")
    partial.replace(page)
    read = sum(account.read for account in facts.accounts)
    return ReportOutcome(read, f"{read:,} documents accounted for in {relative_name(page)}", page)


def render_report(facts: ReportFacts, links: Sequence[tuple[str, str, bool]]) -> str:
    """Return the page; every value is escaped, nothing is fetched and no script runs."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["number"] = _number
    template = environment.get_template("report.html.j2")
    return template.render(facts=facts, links=links, outcomes=OUTCOMES, named_at_most=NAMED_AT_MOST)


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


@click.command(help="Write reports/index.html.\n\nExample: python -m pipeline.report")
def main() -> None:
    """Write the page, and say where it is."""
    click.echo(f"report: {write_report().summary}")


if __name__ == "__main__":
    run(main, "python -m pipeline.report")
