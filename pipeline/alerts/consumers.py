"""Judges the consumers: how many messages wait in each topic that has been consumed, and for how long."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from loader.declarations import read_source, source_names
from loader.errors import SourceBroken
from pipeline.alerts.alert import Alert, Found, unjudged
from waybill.cli import shown_command
from waybill.settings import Settings
from waybill.text import counted

if TYPE_CHECKING:
    from streaming.topic_ends import PartitionEnd, TopicEnd

RULES = ("broker_away", "consumer_lag")
# The partitions of the last topic of each name that was consumed: one that was created again has another id.
POSITIONS = """
with consumed as (
    select source, split_part(name, ':', 1) as topic, topic_id, partition, next_position,
        first_value(topic_id) over (
            partition by source, split_part(name, ':', 1) order by first_seen_at desc, topic_id
        ) as last_id
    from ledger.inputs
    where feed = 'kafka'
)
select source, topic, topic_id, partition, next_position from consumed where topic_id = last_id
"""


@dataclass(frozen=True)
class Consumed:
    """A topic that a source consumed: its id, and partition → the offset that is landed next."""

    source: str
    topic: str
    topic_id: str
    positions: dict[int, int]


def judge_consumers(connection: Connection, settings: Settings, now: datetime) -> Found:
    """Return the alerts about topics that have been consumed, or one alert if the broker does not answer.

    A broker is only asked if KAFKA_BOOTSTRAP_SERVERS names it, or the local one is running: nobody expects a local
    broker to run all the time.
    """
    from streaming.errors import StreamingError
    from streaming.local_broker.process import broker_paths, is_running

    if not settings.kafka_bootstrap_servers and not is_running(broker_paths(settings)):
        return unjudged(RULES, "no broker is configured")
    from streaming.topic_ends import read_topic_ends

    consumed = _consumed(connection)
    moment = now - timedelta(minutes=settings.waybill_alert_lag_minutes)
    try:
        ends = read_topic_ends({one.topic for one in consumed}, moment)
        return Found([alert for one in consumed if (alert := _judge(one, ends.get(one.topic), settings))])
    except StreamingError as error:
        name = settings.kafka_bootstrap_servers or "the local broker"
        away = Alert("broker_away", "broker", name, str(error), shown_command("broker status"))
        return Found([away], {"consumer_lag": "the broker does not answer"})


def _consumed(connection: Connection) -> list[Consumed]:
    """Return the topics that have been consumed and that a source still declares; another one was read once."""
    declared = _declared_topics()
    found: dict[str, Consumed] = {}
    for row in connection.execute(text(POSITIONS)).mappings():
        source, topic = row["source"], row["topic"]
        if declared.get(source) == topic:
            one = found.setdefault(source, Consumed(source, topic, row["topic_id"], {}))
            one.positions[row["partition"]] = row["next_position"]
    return [found[source] for source in sorted(found)]


def _declared_topics() -> dict[str, str | None]:
    topics = {}
    for name in source_names():
        with suppress(SourceBroken):  # every command that needs the declaration says so
            topics[name] = read_source(name).topic
    return topics


def _judge(one: Consumed, end: TopicEnd | None, settings: Settings) -> Alert | None:
    from streaming.consuming.gaps import find_gap
    from streaming.topic_ends import holds_message

    if end is None or str(end.topic_id) != one.topic_id:
        became = "is gone" if end is None else "was created again, and its new messages are not landed"
        return _alert(one, f"the topic {one.topic} {became}", "another topic")
    partitions = [(number, one.positions.get(number, 0), offsets) for number, offsets in sorted(end.partitions.items())]
    gaps = [gap for _, position, offsets in partitions if (gap := find_gap(position, offsets.begin, offsets.end))]
    if gaps:
        return _alert(
            one, f"in the topic {one.topic}, offset {gaps[0].first:,} comes next, but {gaps[0].reason}", "gap"
        )
    messages = sum(offsets.end - position for _, position, offsets in partitions)
    minutes, most = settings.waybill_alert_lag_minutes, settings.waybill_alert_lag_messages
    late = [(number, position) for number, position, offsets in partitions if _is_late(position, offsets)]
    if minutes and any(holds_message(one.topic, number, position) for number, position in late):
        why = f"the first of them for more than {minutes:g} minutes"
    elif most and messages > most:
        why = f"more than {most:,}"
    else:
        return None
    waiting = counted(messages, "message waits", "messages wait")
    return _alert(one, f"{waiting} in the topic {one.topic}, {why}", "lag")


def _is_late(position: int, offsets: PartitionEnd) -> bool:
    """Return whether a message waits that was sent before the moment for which `recent` was asked."""
    return position < (offsets.end if offsets.recent is None else offsets.recent)


def _alert(one: Consumed, message: str, cause: str) -> Alert:
    return Alert(
        rule="consumer_lag",
        kind="source",
        name=one.source,
        message=message,
        command=shown_command(f"consume {one.source}"),
        cause=cause,
    )
