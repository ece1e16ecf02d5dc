# waybill: sample
"""Replays a month as Kafka messages, while consumers land them and dbt and scoring keep running."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import time
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import click
from rich.live import Live

from loader.declarations import Source, read_source, source_names
from loader.load import load
from loader.plan import Request
from ml.registry.artefact import current_manifest
from ml.task import chosen_tasks
from pipeline.errors import RunRefused, StreamBroken
from pipeline.mart_hashes import MartHash, mart_hashes
from pipeline.runner import print_books
from pipeline.showcase.own_database import use_own_database
from pipeline.showcase.refresh import refresh
from pipeline.showcase.stream_figures import FigureReader, figures_table
from pipeline.showcase.stream_processes import Running, check_running, have_succeeded, processes, start
from pipeline.stage_run import run_stage
from pipeline.stages import StageResult
from streaming.local_broker.process import broker_paths
from streaming.local_broker.server import start_broker
from streaming.topics import Topic, create_topic, delete_topic, find_topic, topic_name
from warehouse.connection import engine
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run
from waybill.cli import FiniteRange, run, shown_command
from waybill.settings import get_settings
from waybill.text import console, counted

VIEW_SECONDS = 1.0
TOPIC_PREFIX = "waybill-stream-"  # the stream deletes and creates its own topics; the user's are never touched


@dataclass(frozen=True)
class StreamOptions:
    """Which files are sent as messages instead of loaded, how many documents a second, and how often dbt runs."""

    pattern: str
    rate: float
    every_seconds: float
    partitions: int


def stream(options: StreamOptions) -> None:
    """Replay some files as messages, load all others, and check that the marts equal the pipeline's.

    1. Empty the stream's own database and load the files that come before the replayed ones.
    2. Create topics, and start consumers and producers.
    3. Run dbt and scoring repeatedly, each run on the batches committed when it starts.
    4. When all messages have landed, load the files that come after, and run dbt and scoring once more.
    5. Show the books, and compare the hashes of the marts with the pipeline's.

    Raises:
        RunRefused: no model was trained yet, or no file matches the pattern.
        StreamBroken: a producer or consumer stopped, or the marts differ.
    """
    if not any(map(current_manifest, chosen_tasks())):
        raise RunRefused("no model can score the stream yet: run `make pipeline` first")
    with engine("reader").connect() as connection:
        pipeline_marts = mart_hashes(connection)
    use_own_database("stream", own_folders=("processed", "reports"))
    files = split(options.pattern)
    with only_run("stream"), recorded_run("stream") as run_id, ExitStack() as stack:
        run_stage("load", work=lambda: _load(files.before), run_id=run_id)  # 1.
        refresh()
        topics = _create_topics(files.replayed, options.partitions)  # 2.
        consumers = stack.enter_context(processes(_commands("consumer", files.replayed, [])))
        producers = stack.enter_context(processes(_commands("producer", files.replayed, ["--rate", str(options.rate)])))
        _watch(topics, producers, consumers, options.every_seconds)  # 3.
        run_stage("load", work=lambda: _load(files.after), run_id=run_id)  # 4.
        run_stage("dbt", run_id=run_id)
        run_stage("score", run_id=run_id)
    print_books()  # 5.
    with engine("reader").connect() as connection:
        compare(pipeline_marts, mart_hashes(connection))
    click.echo(f"psql: {shown_command('psql')}")


@dataclass(frozen=True)
class Files:
    """Source → files to load before the replay, to replay, and to load after it; the order is that of their names."""

    before: dict[str, list[Path]]
    replayed: dict[str, list[Path]]
    after: dict[str, list[Path]]


def split(pattern: str) -> Files:
    """Return the files whose names match the pattern, and those that come before and after them.

    Raises:
        RunRefused: no file matches.
    """
    files = Files({}, {}, {})
    for name in source_names():
        paths = read_source(name).default_files(get_settings().raw_folder)
        last = max((number for number, path in enumerate(paths) if fnmatch(path.name, pattern)), default=len(paths))
        for number, path in enumerate(paths):
            when = files.after if number > last else files.before
            (files.replayed if fnmatch(path.name, pattern) else when).setdefault(name, []).append(path)
    if not files.replayed:
        raise RunRefused(f"no file matches {pattern!r}: name the files to replay with --replay")
    return files


def _load(files: dict[str, list[Path]]) -> StageResult:
    results = [load(Request((name,), tuple(map(str, paths)))) for name, paths in files.items()]
    rows = sum(result.rows for result in results)
    return StageResult(
        rows, f"{counted(rows, 'document')} landed from {counted(sum(map(len, files.values())), 'file')}"
    )


def _create_topics(replayed: dict[str, list[Path]], partitions: int) -> list[Topic]:
    settings = get_settings()
    if not settings.kafka_bootstrap_servers:
        start_broker(broker_paths(settings))
    topics = []
    for name in replayed:
        topic = _topic(read_source(name))
        delete_topic(topic)
        create_topic(topic, partitions)
        topics.append(find_topic(topic))
    return topics


def _topic(source: Source) -> str:
    return f"{TOPIC_PREFIX}{topic_name(source)}"


def _commands(what: str, replayed: dict[str, list[Path]], options: list[str]) -> dict[str, list[str]]:
    """Return the command of a producer or consumer for each replayed source."""
    commands = {}
    for name, paths in replayed.items():
        files = [str(path) for path in paths] if what == "producer" else []
        topic = ["--topic", _topic(read_source(name))]
        commands[f"{what}-{name}"] = [f"streaming.{what}", name, *files, *topic, *options]
    return commands


def _watch(topics: list[Topic], producers: Running, consumers: Running, every_seconds: float) -> None:
    """Show the figures and refresh the marts repeatedly, until all messages have landed."""
    refreshing: Running = {}
    refreshed_at, runs = time.monotonic(), 0
    reader = FigureReader(topics)
    try:
        with Live(console=console(), auto_refresh=False) as live, engine("reader").connect() as connection:
            while True:
                with connection.begin():
                    figures = reader.read(connection)
                is_sent = have_succeeded(producers)
                check_running(consumers)
                live.update(figures_table(figures, runs, is_sent=is_sent), refresh=True)
                if refreshing and have_succeeded(refreshing):
                    refreshing, runs = {}, runs + 1
                elif is_sent and not figures.lag and not refreshing:
                    return
                elif not refreshing and time.monotonic() - refreshed_at >= every_seconds:
                    refreshing, refreshed_at = start("refresh", ["pipeline.showcase.refresh"]), time.monotonic()
                time.sleep(VIEW_SECONDS)
    finally:
        reader.close()
        for process in refreshing.values():
            process.wait()


def compare(pipeline_marts: dict[str, MartHash], stream_marts: dict[str, MartHash]) -> None:
    """Print for every mart whether it equals the pipeline's.

    Raises:
        StreamBroken: a mart differs.
    """
    if not pipeline_marts:
        click.echo("the pipeline has no marts to compare with: run `make pipeline`")
        return
    different = sorted(mart for mart in pipeline_marts if stream_marts.get(mart) != pipeline_marts[mart])
    for mart, found in stream_marts.items():
        same = "different from" if mart in different else "the same as"
        click.echo(f"{mart:<26} {found.rows:>9,} rows, {same} the pipeline's")
    if different:
        raise StreamBroken(
            f"{', '.join(different)}: these marts differ from the pipeline's; if files changed since its last run, "
            "run `make pipeline`, then `make stream`"
        )


@click.command(
    help="Example: python -m pipeline.showcase.stream --rate 2000\n\n"
    "Replay a month as Kafka messages and load all other files, in the stream's own database."
)
@click.option("--replay", "pattern", default="*-2013-12*", show_default=True, help="Files to send as messages.")
@click.option("--rate", type=FiniteRange(min=1), default=1000.0, show_default=True, help="Documents a second.")
@click.option("--every", type=FiniteRange(1, 86_400), default=5.0, show_default=True, help="Seconds between dbt runs.")
@click.option(
    "--partitions", type=click.IntRange(1, 1_000), default=2, show_default=True, help="Partitions of a topic."
)
def main(pattern: str, rate: float, every: float, partitions: int) -> None:
    """Run the stream."""
    stream(StreamOptions(pattern, rate, every, partitions))


if __name__ == "__main__":
    run(main, "python -m pipeline.showcase.stream")
