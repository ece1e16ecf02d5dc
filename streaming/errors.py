"""What can stop streaming; a bad message never does, it becomes a reject.

StreamingError                   base of the errors of streaming
├── JavaMissing                  the local broker has no Java 17 or newer to run on
├── JarsMissing                  the broker's jars are neither here nor to be had, or are not the locked ones
├── BrokerNotStarted             the local broker did not come up
├── BrokerUnreachable            no broker answers, or it does not let us in
│   └── BrokerAway               no broker answers, which may change by itself
├── SourceHasNoTopic             the source's declaration names no topic
├── TopicUnknown                 the broker has no such topic
├── TopicReplaced                the topic was deleted or made anew while it was read
├── GapFound                     the log does not hold what comes next
├── MessageUnreadable            the client cannot take a record out of what the broker sent
├── LedgerEmptied                the ledger was dropped and made anew while this ran
├── PortTaken                    the metrics cannot be served on the port
├── MessageGone                  the topic does not hold a message any more
└── NotAcknowledged              the broker did not acknowledge all that was sent
"""

from __future__ import annotations

from waybill.errors import WaybillError


class StreamingError(WaybillError):
    """Raised when streaming cannot go on."""


class JavaMissing(StreamingError):
    """Raised when no Java 17 or newer is on the machine nor in the environment."""


class JarsMissing(StreamingError):
    """Raised when the broker's jars cannot be had, or one has another SHA-256 than the lock says."""


class BrokerNotStarted(StreamingError):
    """Raised when the local broker did not come up in time."""


class BrokerUnreachable(StreamingError):
    """Raised when no broker answers where one should, or it refuses us."""


class BrokerAway(BrokerUnreachable):
    """Raised when nobody listens where a broker should."""

    is_transient = True


class TopicUnknown(StreamingError):
    """Raised when the broker has no such topic; none is made by itself."""


class SourceHasNoTopic(StreamingError):
    """Raised when a source's declaration names no topic."""


class NotAcknowledged(StreamingError):
    """Raised when the broker did not acknowledge all that was sent."""


class TopicReplaced(StreamingError):
    """Raised when the topic has another id than at the start, before anything of the new one is landed."""


class GapFound(StreamingError):
    """Raised when the offset that comes next is not in the log, or the topic was made anew since it was landed."""


class MessageUnreadable(StreamingError):
    """Raised when the client cannot take a record out of what the broker sent: damaged, or packed in another way."""


class LedgerEmptied(StreamingError):
    """Raised when the ledger does not know a partition any more that it knew at the start."""


class PortTaken(StreamingError):
    """Raised when metrics cannot be served on a port, mostly since another process listens there."""


class MessageGone(StreamingError):
    """Raised when the topic does not hold the message that was landed, or another one in its place."""
