"""`waybill produce`: sends the documents of files to a source's topic, unchanged, and waits for acknowledgements."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.progress import Progress, TextColumn

from loader.declarations import read_source
from streaming.producing.delivery_report import DeliveryReport
from streaming.producing.documents import Pace
from streaming.producing.sending import COMPRESSIONS, ProducerOptions, produce
from streaming.topics import create_topic, topic_name, with_topic
from waybill.cli import FiniteRange, run
from waybill.text import console


@contextmanager
def _progress(rate: float | None) -> Iterator[Callable[[DeliveryReport], None]]:
    """Show progress on a terminal, and print the last report at the end, even after an error."""
    terminal = console(stderr=True)
    column = TextColumn("{task.description}", markup=False)
    latest: DeliveryReport | None = None
    progress = Progress(column, console=terminal, transient=True, disable=not terminal.is_terminal)
    task = progress.add_task("")
    started = time.monotonic()
    target = f" of {rate:,.0f}" if rate else ""

    def show(report: DeliveryReport) -> None:
        nonlocal latest
        latest = report
        reached = report.sent / max(time.monotonic() - started, 0.001)
        counts = f"sent {report.sent:,}, acknowledged {report.acknowledged:,}"
        progress.update(task, description=f"{counts}, {reached:,.0f}{target}/s")

    try:
        with progress:
            yield show
    finally:
        if latest:
            click.echo(latest.summary)
            if latest.unreadable:
                click.echo(
                    f"not sent: {latest.unreadable:,} byte ranges that are not a single document "
                    "(too large, or after damaged JSON)"
                )


@click.command(
    help="Example: waybill produce orders data/raw/orders/2026-01.ndjson --rate 1000\n\n"
    "Send the documents of FILES to SOURCE's topic, unchanged. FILES may be `-` for standard input; without FILES, "
    "the files that SOURCE declares are sent."
)
@click.argument("source", required=False)
@click.argument("files", nargs=-1)
@click.option("--topic", help="Send to another topic than the one that SOURCE declares.")
@click.option("--rate", type=FiniteRange(min=0.001), help="Documents a second; without it, as fast as possible.")
@click.option("--loop", is_flag=True, help="Start over at the end, until ctrl-C.")
@click.option(
    "--create",
    "partitions",
    type=click.IntRange(1, 100_000),
    help="Create the topic, with this number of partitions, if it is missing.",
)
@click.option("--compression", type=click.Choice(COMPRESSIONS), default="lz4", show_default=True)
def main(
    source: str | None,
    files: tuple[str, ...],
    topic: str | None,
    rate: float | None,
    loop: bool,
    partitions: int | None,
    compression: str,
) -> None:
    """Send, then print what was acknowledged."""
    if source is None:
        raise click.UsageError("name the SOURCE to send; in a container, set WAYBILL_PRODUCED_SOURCE in .env")
    declared = with_topic(read_source(source), topic)
    if partitions:
        create_topic(topic_name(declared), partitions)
    with _progress(rate) as show:
        produce(declared, files, ProducerOptions(Pace(rate, loop), compression, show))


if __name__ == "__main__":
    run(main, "python -m streaming.producer")
