"""Replays a month as Kafka messages while consumers land them and marts and scores are refreshed."""

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
from ml.artefact import current_manifest
from pipeline.errors import RunRefused, StreamBroken
from pipeline.runner import only_run, run_stage, show_books
from pipeline.showcase.mart_hashes import MartHash, mart_hashes
from pipeline.showcase.place import settle
from pipeline.showcase.refresh import refresh
from pipeline.showcase.stream_figures import Meter, figures_table
from pipeline.showcase.stream_processes import Running, have_ended, processes, start, still_run
from pipeline.stages import Outcome
from streaming.local_broker import server as local_broker
from streaming.local_broker.process import find_broker
from streaming.topics import Topic, create_topic, delete_topic, find_topic, topic_name
from warehouse.connection import engine
from warehouse.runs import recorded_run
from waybill.cli import run
from waybill.settings import get_settings

VIEW_SECONDS = 1.0
PREFIX = "waybill-stream-"  # the topics of this show, made anew each time; yours are never touched


@dataclass(frozen=True)
class ReplayFeed:
    """What is sent as messages instead of loaded: the files that match, so many a second; how often dbt runs."""

    pattern: str
    rate: float
    every_seconds: float
    partitions: int


def stream(replay: ReplayFeed) -> None:
    """Replay files as messages beside all others, and show that the marts come out as the pipeline's.

    1. a database of its own is emptied and filled with the files before the replayed ones, 2. topics are made and
    consumers and producers started, 3. dbt and scoring run again and again on what has come in, each run on its own
    frozen set of batches, 4. when all is landed, the files after them are loaded, and dbt and scoring run once more,
    5. the books of both feeds are shown, and the marts' hashes compared with the pipeline's.

    Raises:
        RunRefused: no model was trained yet, or no file is to be replayed.
        StreamBroken: a producer or consumer stopped, or the marts are not the same.
    """
    task = get_settings().waybill_task
    if current_manifest(task) is None:
        raise RunRefused("no model scores the stream yet: type `make pipeline` first")
    with engine("reader").connect() as connection:
        pipelines = mart_hashes(connection)
    settle("stream", own=("processed", "reports"))
    files = split(replay.pattern)
    with only_run(), recorded_run("stream") as run_id, ExitStack() as stack:
        run_stage("load", work=lambda: _load(files.before), run_id=run_id)  # 1.
        refresh()
        topics = _topics(files.replayed, replay.partitions)  # 2.
        consumers = stack.enter_context(processes(_commands("consumer", files.replayed, [])))
        producers = stack.enter_context(processes(_commands("producer", files.replayed, ["--rate", str(replay.rate)])))
        _watch(topics, producers, consumers, replay.every_seconds)  # 3.
        run_stage("load", work=lambda: _load(files.after), run_id=run_id)  # 4.
        run_stage("dbt", run_id=run_id)
        run_stage("score", run_id=run_id)
    show_books()  # 5.
    with engine("reader").connect() as connection:
        compare(pipelines, mart_hashes(connection))


@dataclass(frozen=True)
class Files:
    """Source → files: loaded before the replay, replayed, and loaded after it, since their names come later."""

    before: dict[str, list[Path]]
    replayed: dict[str, list[Path]]
    after: dict[str, list[Path]]


def split(pattern: str) -> Files:
    """Tell the files to replay, by the pattern of their names, from those that come before and after them.

    Raises:
        RunRefused: none matches.
    """
    files = Files({}, {}, {})
    for name in source_names():
        paths = read_source(name).default_files(get_settings().raw_folder)
        last = max((number for number, path in enumerate(paths) if fnmatch(path.name, pattern)), default=len(paths))
        for number, path in enumerate(paths):
            when = files.after if number > last else files.before
            (files.replayed if fnmatch(path.name, pattern) else when).setdefault(name, []).append(path)
    if not files.replayed:
        raise RunRefused(f"no file matches {pattern!r}: name what is to be replayed with --replay")
    return files


def _load(files: dict[str, list[Path]]) -> Outcome:
    results = [load(Request((name,), tuple(map(str, paths)))) for name, paths in files.items()]
    rows = sum(result.rows for result in results)
    return Outcome(rows, f"{rows:,} documents landed from {sum(map(len, files.values()))} files")


def _topics(replayed: dict[str, list[Path]], partitions: int) -> list[Topic]:
    settings = get_settings()
    if not settings.kafka_bootstrap_servers:
        local_broker.start(find_broker(settings))
    topics = []
    for name in replayed:
        topic = _topic(read_source(name))
        delete_topic(topic)
        create_topic(topic, partitions)
        topics.append(find_topic(topic))
    return topics


def _topic(source: Source) -> str:
    return f"{PREFIX}{topic_name(source)}"


def _commands(what: str, replayed: dict[str, list[Path]], options: list[str]) -> dict[str, list[str]]:
    """Return the command of a producer or consumer for each replayed source."""
    commands = {}
    for name, paths in replayed.items():
        files = [str(path) for path in paths] if what == "producer" else []
        topic = ["--topic", _topic(read_source(name))]
        commands[f"{what}-{name}"] = [f"streaming.{what}", name, *files, *topic, *options]
    return commands


def _watch(topics: list[Topic], producers: Running, consumers: Running, every_seconds: float) -> None:
    """Show how it goes until all that was sent is landed; refresh the marts again and again beside it."""
    refreshing: Running = {}
    refreshed_at, runs = time.monotonic(), 0
    meter = Meter(topics)
    try:
        with Live(auto_refresh=False) as live, engine("reader").connect() as connection:
            while True:
                with connection.begin():
                    figures = meter.read(connection)
                is_sent = have_ended(producers)
                still_run(consumers)
                live.update(figures_table(figures, runs, is_sent=is_sent), refresh=True)
                if refreshing and have_ended(refreshing):
                    refreshing, runs = {}, runs + 1
                elif is_sent and not figures.lag and not refreshing:
                    return
                elif not refreshing and time.monotonic() - refreshed_at >= every_seconds:
                    refreshing, refreshed_at = start("refresh", ["pipeline.showcase.refresh"]), time.monotonic()
                time.sleep(VIEW_SECONDS)
    finally:
        meter.close()
        for process in refreshing.values():
            process.wait()


def compare(pipelines: dict[str, MartHash], streams: dict[str, MartHash]) -> None:
    """Say of every mart whether it is the pipeline's.

    Raises:
        StreamBroken: one is not.
    """
    if not pipelines:
        click.echo("the pipeline has no marts to compare with: type `make pipeline`")
        return
    different = sorted(mart for mart in pipelines if streams.get(mart) != pipelines[mart])
    for mart, found in streams.items():
        same = "other than" if mart in different else "the same as"
        click.echo(f"{mart:<26} {found.rows:>9,} rows, {same} the pipeline's")
    if different:
        raise StreamBroken(
            f"{', '.join(different)}: not the pipeline's marts; were its files changed since? type `make pipeline`, "
            "then `make stream`"
        )


@click.command(
    help="Example: python -m pipeline.showcase.stream --rate 2000\n\n"
    "Replay a month as Kafka messages beside the files of the others, in a database of its own."
)
@click.option("--replay", "pattern", default="*-2013-12*", show_default=True, help="Files to send as messages.")
@click.option("--rate", type=click.FloatRange(min=1), default=1000.0, show_default=True, help="Documents a second.")
@click.option("--every", type=click.FloatRange(min=1), default=5.0, show_default=True, help="Seconds between dbt runs.")
@click.option("--partitions", type=click.IntRange(min=1), default=2, show_default=True, help="Partitions of a topic.")
def main(pattern: str, rate: float, every: float, partitions: int) -> None:
    """Run the show."""
    stream(ReplayFeed(pattern, rate, every, partitions))


if __name__ == "__main__":
    run(main, "python -m pipeline.showcase.stream")
