"""`waybill message`: prints a message from its topic, after checking its bytes against the ledger's fingerprint."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import sys
from uuid import UUID

import click
from kafka import KafkaConsumer, TopicPartition
from psycopg2 import sql

from loader.errors import CoordinateUnknown
from loader.reading.byte_ranges import fingerprint
from streaming.cluster import client_options, translate_kafka_errors
from streaming.errors import MessageGone
from warehouse.connection import cursor_of
from waybill.cli import run
from waybill.text import shown_bytes, whole_number

READ_MS = 10_000

BATCHES = """
select source, batch_id
from ledger.named_batches
where feed = 'kafka' and input_name = %(name)s and first_position <= %(offset)s and next_position > %(offset)s
order by committed_at desc
limit 1
"""
REJECT_FINGERPRINT = "select fingerprint from ledger.rejects where batch_id = %s and position = %s"
HAS_RAW_TABLE = "select to_regclass(%s) is not null"
DOCUMENT_FINGERPRINT = "select _fingerprint from raw.{} where _batch_id = %s and _position = %s"


def read_message(coordinate: str) -> bytes:
    """Return the bytes of the message at `TOPIC:PARTITION:OFFSET`, if they are the ones that were landed or rejected.

    The bytes of a message without a value are those of its key.

    Raises:
        CoordinateUnknown: the text is not such a coordinate, or no message there was landed or rejected.
        MessageGone: the topic no longer holds the message, or holds another one at its offset.
        BrokerUnreachable: see `streaming.errors`.
    """
    topic, _, rest = coordinate.partition(":")
    partition, offset = map(whole_number, rest.partition(":")[::2])
    if not topic or partition is None or offset is None:
        raise CoordinateUnknown(f"{coordinate!r} is not the coordinate of a message: write TOPIC:PARTITION:OFFSET")
    expected = _find_fingerprint(f"{topic}:{partition}", offset)
    if expected is None:
        raise CoordinateUnknown(f"{coordinate}: no message with this coordinate was landed or rejected")
    message = _read_message(TopicPartition(topic, partition), offset)
    if message is None or UUID(bytes=fingerprint(message)) != expected:
        raise MessageGone(
            f"{coordinate}: the topic no longer holds this message; the ledger, and the raw table if it was landed, do"
        )
    return message


def _find_fingerprint(name: str, offset: int) -> UUID | None:
    with cursor_of("reader") as cursor:
        cursor.execute(BATCHES, {"name": name, "offset": offset})
        for source, batch_id in cursor.fetchall():
            queries: list[sql.Composable] = [sql.SQL(REJECT_FINGERPRINT)]
            cursor.execute(HAS_RAW_TABLE, [f'raw."{source}"'])
            if cursor.fetchone() == (True,):  # else it was dropped with its source
                queries.append(sql.SQL(DOCUMENT_FINGERPRINT).format(sql.Identifier(source)))
            for query in queries:
                cursor.execute(query, [batch_id, offset])
                found = cursor.fetchone()
                if found:
                    return UUID(found[0])
    return None


def _read_message(tp: TopicPartition, offset: int) -> bytes | None:
    options = client_options()
    with translate_kafka_errors(options):
        consumer = KafkaConsumer(**options, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            consumer.assign([tp])
            consumer.seek(tp, offset)
            for message in consumer.poll(READ_MS, max_records=1).get(tp, []):
                if message.offset == offset:
                    found: bytes = (message.key or b"") if message.value is None else message.value
                    return found
            return None
        finally:
            consumer.close()


@click.command(
    help="Example: waybill message orders:0:1477\n\n"
    "Write the bytes of the message at COORDINATE to standard output, if their fingerprint is the ledger's. On a "
    "terminal, control characters are shown as escapes."
)
@click.argument("coordinate")
def main(coordinate: str) -> None:
    """Write the message."""
    message = read_message(coordinate)
    click.echo(shown_bytes(message) if sys.stdout.isatty() else message)


if __name__ == "__main__":
    run(main, "python -m streaming.message")
