"""Translates the Kafka client's errors about unreadable messages into one line that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from kafka.errors import CorruptRecordError, LogTruncationError, UnsupportedCodecError

from streaming.errors import GapFound, MessageUnreadable


@contextmanager
def translate_read_errors(topic: str, offsets: Callable[[], Mapping[int, int]]) -> Iterator[None]:
    """Translate errors of a poll; `offsets` returns partition → the offset that is read next.

    Raises:
        MessageUnreadable: a record is damaged or compressed with an unknown codec.
        GapFound: the log was truncated and rewritten below what was landed.
    """
    try:
        yield
    except UnsupportedCodecError as error:
        raise MessageUnreadable(f"{error}: run `make setup`, which installs the codecs") from None
    except CorruptRecordError as error:  # without this the client would fetch the same record forever
        coordinates = ", ".join(f"{topic}:{number}:{offset}" for number, offset in offsets().items())
        raise MessageUnreadable(
            f"a message at or after {coordinates} cannot be read ({error}): nothing of this poll was landed; "
            "delete the records in Kafka up to and including the damaged one and run with --accept-gap, "
            "which records the gap in the ledger"
        ) from None
    except LogTruncationError as error:
        raise GapFound(
            f"{topic}: the log was truncated and rewritten below what was landed ({error}): "
            "compare it with the ledger, then run again to continue at the ledger's offset"
        ) from None
