# waybill: sample
"""The figures of the stream's live table, from the ledger, the marts and the broker."""

from __future__ import annotations

from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from rich.table import Table
from sqlalchemy import Connection, text

from ml.task import chosen_tasks
from streaming.cluster import client_options
from streaming.topics import Topic
from waybill.text import counted

KAFKA_BOOKS = """
    select coalesce(sum(landed), 0)::bigint as landed, coalesce(sum(rejected), 0)::bigint as rejected
    from ledger.batches
    where feed = 'kafka'
"""
POSITIONS = """
    select name, next_position
    from ledger.inputs
    where feed = 'kafka' and topic_id = any(:topic_ids)
"""
CURRENT_FLIGHTS = "select count(*) from marts.fct_flights"
# from the oldest message of a batch to the dbt run that processed the batch, over the batches of the last such run
LATENCY = """
    with processed as (
        select processed.processed_at, batches.sent_at
        from intermediate.processed_batches as processed
        inner join ledger.batches on processed.batch_id = batches.batch_id
        where processed.model = 'fct_flights' and batches.sent_at is not null
    )

    select percentile_cont(0.5) within group (order by extract(epoch from processed_at - sent_at))
    from processed
    where processed_at = (select max(processed_at) from processed)
"""


@dataclass(frozen=True)
class Figures:
    """The figures at one moment.

    `lag` counts messages that have not landed yet. `latency_seconds` is the median time from message to mart; None
    until a mart was built from messages.
    """

    lag: int
    landed: int
    rejected: int
    current_flights: int
    predictions: int
    latency_seconds: float | None


def _count_predictions(connection: Connection) -> int:
    tables = [f"predictions.{connection.dialect.identifier_preparer.quote(task)}" for task in chosen_tasks()]
    made = [table for table in tables if connection.scalar(text("select to_regclass(:name)"), {"name": table})]
    return sum(connection.scalar(text(f"select count(*) from {table}")) or 0 for table in made)


class FigureReader:
    """Reads the figures; holds a Kafka client that reads the end offsets of the topics."""

    def __init__(self, topics: list[Topic]) -> None:
        """Open the client; call `close` at the end."""
        self._topics = topics
        self._client = KafkaConsumer(**client_options(), group_id=None)

    def read(self, connection: Connection) -> Figures:
        """Return the figures at this moment."""
        intake = connection.execute(text(KAFKA_BOOKS)).one()
        return Figures(
            lag=self._lag(connection),
            landed=intake.landed,
            rejected=intake.rejected,
            current_flights=connection.scalar(text(CURRENT_FLIGHTS)) or 0,
            predictions=_count_predictions(connection),
            latency_seconds=connection.scalar(text(LATENCY)),
        )

    def _lag(self, connection: Connection) -> int:
        ends = self._client.end_offsets(
            [TopicPartition(topic.name, number) for topic in self._topics for number in topic.partitions]
        )
        ids = [str(topic.topic_id) for topic in self._topics]
        found = connection.execute(text(POSITIONS), {"topic_ids": ids}).all()
        at = {row.name: row.next_position for row in found}
        return sum(end - at.get(f"{tp.topic}:{tp.partition}", 0) for tp, end in ends.items())

    def close(self) -> None:
        """Close the client."""
        self._client.close()


def figures_table(figures: Figures, runs: int, *, is_sent: bool) -> Table:
    """Return the figures as a table for the terminal."""
    table = Table(
        title=f"{'all messages sent' if is_sent else 'sending messages'}, {counted(runs, 'dbt run')}",
        title_justify="left",
    )
    latency = "–" if figures.latency_seconds is None else f"{figures.latency_seconds:.1f} s"
    columns = {
        "not landed yet": f"{figures.lag:,}",
        "landed": f"{figures.landed:,}",
        "rejected": f"{figures.rejected:,}",
        "current flights": f"{figures.current_flights:,}",
        "predictions": f"{figures.predictions:,}",
        "message to mart, median": latency,
    }
    for name in columns:
        table.add_column(name, justify="right")
    table.add_row(*columns.values())
    return table
