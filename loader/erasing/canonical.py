"""The canonical text of a part of a key: the same for every spelling of a value, as the dbt macro `key_text` writes it.

Each type has the grammar of the macro `is_castable`. A text that it refuses has no canonical text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from math import floor
from uuid import UUID
from zoneinfo import ZoneInfo

from loader.erasing.jsonb_text import trimmed_number

MAX_CHARACTERS = 200  # of a text in a key
MAX_DOUBLE = 1e38
ZONED = "timestamptz in "
WHOLE = re.compile(r"(-?[0-9]+)(?:[.]0+)?")
DECIMAL = re.compile(r"-?[0-9]+(?:[.][0-9]+)?")
DOUBLE = re.compile(r"-?[0-9]+(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?")
UUID_TEXT = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]+))?)?"
    r"([Zz]|[-+](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?"
)
FINER_THAN_MICROSECONDS = re.compile(r"[.][0-9]{6}0*[1-9]")
SECONDS = range(-62_104_060_800, 253_370_764_800)  # from 1970 to the years 0002 and 9999
REMEMBERED, REMEMBERED_CHARACTERS = 10_000, 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def canonical_text(text: str, kind: str) -> str | None:
    """Return the canonical text of a value of a dbt type; None if it is not a value of the type."""
    return _remembered(text, kind) if len(text) <= REMEMBERED_CHARACTERS else _canonical_text(text, kind)


def _canonical_text(text: str, kind: str) -> str | None:
    if kind.startswith(ZONED):
        return _local_instant(text, kind.removeprefix(ZONED))
    try:
        return FORMATS[kind](text) if kind in FORMATS else text
    except (ValueError, OverflowError):
        return None


_remembered = lru_cache(REMEMBERED)(_canonical_text)  # values of keys repeat, such as dates


@cache
def has_dashes(kind: str) -> bool:
    """Return True if hyphens are part of the type's format, as the macro `document_key` knows it."""
    return kind in ("date", "uuid") or kind.startswith(("timestamp", "epoch"))


def _text(text: str) -> str | None:
    return text if len(text) <= MAX_CHARACTERS else None


def _whole(text: str, bounds: range) -> str | None:
    found = WHOLE.fullmatch(text)
    number = int(found[1]) if found and len(text) <= 1000 else None
    return str(number) if number is not None and number in bounds else None


def _hhmm(text: str) -> str | None:
    found = None if len(text.split(".")[0]) > 4 or text.startswith("-") else _whole(text, range(2401))
    return found if found and int(found) % 100 < 60 else None


def _numeric(text: str) -> str | None:
    return trimmed_number(Decimal(text)) if DECIMAL.fullmatch(text) and len(text) <= 40 else None


def _double(text: str) -> str | None:
    if not DOUBLE.fullmatch(text) or abs(float(text)) > MAX_DOUBLE:
        return None
    number = Decimal(text)
    return trimmed_number(number) if float(text) or not number else None


def _boolean(text: str) -> str | None:
    return text if text in ("true", "false") else None


def _uuid(text: str) -> str | None:
    return str(UUID(text)) if UUID_TEXT.fullmatch(text) else None


def _date(text: str) -> str | None:
    return str(date.fromisoformat(text)) if DATE.fullmatch(text) and "0002" <= text < "9999" else None


def _time(text: str) -> tuple[datetime, str] | None:
    """Return the local time of a text, and its offset from UTC, which is empty if it has none."""
    found = TIME.fullmatch(text)
    if not found or not "0002" <= text < "9999" or FINER_THAN_MICROSECONDS.search(text):
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups(default="")
    microsecond = int(fraction[:6].ljust(6, "0"))
    return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), microsecond), offset


def _timestamp(text: str) -> str | None:
    found = _time(text)
    return _shown(found[0]) if found and not found[1] else None


def _instant(text: str) -> str | None:
    found = _time(text)
    if not found or not found[1]:
        return None
    at, offset = found
    if offset in "Zz":
        return f"{_shown(at)}+00"
    digits = offset[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    zone = timezone(-shift if offset[0] == "-" else shift)
    return f"{_shown(at.replace(tzinfo=zone).astimezone(UTC))}+00"


def _local_instant(text: str, zone: str) -> str | None:
    """Return the instant of a local time of a zone; one that occurs twice is the later one, as in PostgreSQL."""
    try:
        found = _time(text)
        if not found or found[1]:
            return _instant(text)
        instant = found[0].replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
        exists = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == found[0]
    except (ValueError, KeyError, OverflowError, OSError):  # also a zone that this machine does not know
        return None
    return f"{_shown(instant)}+00" if exists else None


def _epoch(text: str, per_second: int) -> str | None:
    if not DECIMAL.fullmatch(text) or len(text) > 40:
        return None
    if per_second == 1 and FINER_THAN_MICROSECONDS.search(text):
        return None
    with localcontext() as context:
        context.prec = 100
        seconds = Decimal(text) / per_second
        if not SECONDS.start <= seconds < SECONDS.stop:
            return None
        whole = floor(seconds)
        microseconds = int((seconds - whole) * 1_000_000)
    return f"{_shown(EPOCH + timedelta(seconds=whole, microseconds=microseconds))}+00"


def _shown(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds").rstrip("0").rstrip(".")


INTEGERS = range(-(1 << 31), 1 << 31)
BIG_INTEGERS = range(-(1 << 63), 1 << 63)
MINUTES = range(-432_000, 432_001)

FORMATS: dict[str, Callable[[str], str | None]] = {
    "text": _text,
    "integer": lambda text: _whole(text, INTEGERS),
    "bigint": lambda text: _whole(text, BIG_INTEGERS),
    "minutes": lambda text: _whole(text, MINUTES),
    "hhmm": _hhmm,
    "numeric": _numeric,
    "double precision": _double,
    "boolean": _boolean,
    "uuid": _uuid,
    "date": _date,
    "timestamp": _timestamp,
    "timestamptz": _instant,
    "epoch_seconds": lambda text: _epoch(text, 1),
    "epoch_milliseconds": lambda text: _epoch(text, 1000),
}
