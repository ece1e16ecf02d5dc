"""`python -m streaming.message`: a message as the topic still holds it, its bytes checked by their fingerprint."""

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
from loader.reading.ranges import fingerprint
from streaming.cluster import client_options, unreachable_said
from streaming.errors import MessageGone
from warehouse.connection import connect
from waybill.cli import run

READ_MS = 10_000

BATCHES = """
select inputs.source, batches.batch_id
from ledger.inputs
inner join ledger.batches on inputs.input_id = batches.input_id
where inputs.feed = 'kafka' and inputs.name = %(name)s and batches.feed = 'kafka'
    and batches.first_position <= %(offset)s and batches.next_position > %(offset)s
order by batches.committed_at desc
limit 1
"""
OF_REJECT = "select fingerprint from ledger.rejects where batch_id = %s and position = %s"
OF_DOCUMENT = "select _fingerprint from raw.{} where _batch_id = %s and _position = %s"


def read_message(coordinate: str) -> bytes:
    """Return the bytes of the message at `TOPIC:PARTITION:OFFSET`, when they are those that were landed or rejected.

    Raises:
        CoordinateUnknown: it is no such coordinate, or nothing of it was landed or rejected.
        MessageGone: the topic does not hold it any more, or holds another one there.
        BrokerUnreachable: see `streaming.errors`.
    """
    topic, _, place = coordinate.partition(":")
    partition, _, offset = place.partition(":")
    if not (topic and partition.isdigit() and offset.isdigit()):
        raise CoordinateUnknown(f"{coordinate!r} is no coordinate of a message: say TOPIC:PARTITION:OFFSET")
    mark = _fingerprint(f"{topic}:{partition}", int(offset))
    if mark is None:
        raise CoordinateUnknown(f"{coordinate}: no message of this place was landed or rejected")
    found = _read(TopicPartition(topic, int(partition)), int(offset))
    if found is None or UUID(bytes=fingerprint(found)) != mark:
        raise MessageGone(f"{coordinate}: the topic does not hold that message any more; ledger and raw table do")
    return found


def _fingerprint(name: str, offset: int) -> UUID | None:
    connection = connect("reader")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(BATCHES, {"name": name, "offset": offset})
            for source, batch_id in cursor.fetchall():
                for statement in (OF_REJECT, sql.SQL(OF_DOCUMENT).format(sql.Identifier(source))):
                    cursor.execute(statement, [batch_id, offset])
                    found = cursor.fetchone()
                    if found:
                        return UUID(found[0])
        return None
    finally:
        connection.close()


def _read(tp: TopicPartition, offset: int) -> bytes | None:
    options = client_options()
    with unreachable_said(options):
        consumer = KafkaConsumer(**options, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            consumer.assign([tp])
            consumer.seek(tp, offset)
            for message in consumer.poll(READ_MS, max_records=1).get(tp, []):
                if message.offset == offset:
                    value: bytes | None = message.value
                    return value
            return None
        finally:
            consumer.close()


@click.command(
    help="Example: python -m streaming.message flights:0:1477\n\n"
    "Write the bytes of the message at COORDINATE to standard output, if they are those that the ledger knows."
)
@click.argument("coordinate")
def main(coordinate: str) -> None:
    """Write the message."""
    sys.stdout.buffer.write(read_message(coordinate) + b"\n")


if __name__ == "__main__":
    run(main, "python -m streaming.message")
