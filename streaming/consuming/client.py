"""Creates the Kafka client of a consumer."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer

from streaming.cluster import BOOTSTRAP_MS

POLL_RECORDS = 20_000
PARTITION_BYTES = 8 << 20
FETCH_BYTES = 64 << 20
METADATA_MS = 30_000  # after so long at the latest, the group notices partitions that were added to the topic
SESSION_MS = 10_000  # a killed consumer's partitions are free afterwards; one that was suspended cannot write any more


def create_client(options: dict[str, Any], group: str) -> KafkaConsumer:
    """Return a client of a consumer group; its position comes from the ledger, never from Kafka's own offsets."""
    return KafkaConsumer(
        **options,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=SESSION_MS // 4,
        metadata_max_age_ms=METADATA_MS,
        max_poll_records=POLL_RECORDS,
        max_partition_fetch_bytes=PARTITION_BYTES,
        fetch_max_bytes=FETCH_BYTES,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
    )
