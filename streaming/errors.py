"""The errors that stop streaming. A bad message never does: it becomes a reject.

StreamingError                   base class of the package's errors
├── JavaMissing                  the local broker needs Java 17 or newer and found none
├── JarsMissing                  the broker's jars cannot be fetched, or are not the locked ones
├── BrokerNotStarted             the local broker did not start
├── BrokerUnreachable            no broker answers, or it refuses the connection
│   └── BrokerAway               no broker answers, which a retry may resolve
├── SourceHasNoTopic             the source's declaration names no topic
├── TopicUnknown                 the broker has no such topic
├── TopicReplaced                the topic was deleted or recreated while it was being read
├── GapFound                     the log does not hold the message that comes next
├── MessageUnreadable            the client cannot decode a record that the broker sent
├── LedgerEmptied                the ledger was emptied or recreated while the consumer was running
├── PortTaken                    the metrics cannot be served on the port
├── ConsumerFailed               one of several consumers failed
│   └── ConsumerEnded            it was stopped or killed, or its error may pass
├── MessageGone                  the topic no longer holds a message
└── NotAcknowledged              the broker did not acknowledge every message that was sent
"""

from __future__ import annotations

from waybill.errors import WaybillError


class StreamingError(WaybillError):
    """Raised when streaming cannot continue."""


class JavaMissing(StreamingError):
    """Raised when neither the machine nor the environment has Java 17 or newer."""


class JarsMissing(StreamingError):
    """Raised when the broker's jars cannot be fetched, or the SHA-256 of one differs from the lock file."""


class BrokerNotStarted(StreamingError):
    """Raised when the local broker did not start in time."""


class BrokerUnreachable(StreamingError):
    """Raised when no broker answers at the configured address, or it refuses the connection."""


class BrokerAway(BrokerUnreachable):
    """Raised when no broker listens at the configured address, or none is ready yet."""

    is_transient = True


class TopicUnknown(StreamingError):
    """Raised when the broker has no such topic; topics are never created implicitly."""


class SourceHasNoTopic(StreamingError):
    """Raised when a source's declaration names no topic."""


class NotAcknowledged(StreamingError):
    """Raised when the broker did not acknowledge every message that was sent."""


class TopicReplaced(StreamingError):
    """Raised when the topic's id has changed, before any message of the new topic is landed."""


class GapFound(StreamingError):
    """Raised when the next offset is not in the log, or the topic was recreated since it was landed."""


class MessageUnreadable(StreamingError):
    """Raised when the client cannot decode a record: it is damaged, or compressed with an unknown codec."""


class LedgerEmptied(StreamingError):
    """Raised when the ledger no longer knows a partition that it knew at the start."""


class PortTaken(StreamingError):
    """Raised when the metrics cannot be served on a port, usually because another process listens on it."""


class ConsumerFailed(StreamingError):
    """Raised when one of the consumers of all sources failed; it has printed why, and the others were stopped."""


class ConsumerEnded(ConsumerFailed):
    """Raised when consumers of all sources were stopped before the end or killed, or met an error that may pass."""

    is_transient = True


class MessageGone(StreamingError):
    """Raised when the topic no longer holds the message that was landed, or holds another one at its offset."""
