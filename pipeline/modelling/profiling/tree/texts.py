"""Counts how strings are spelled, by the grammars of the staging (`dbt_project/macros/casting/is_castable.sql`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from pipeline.modelling.profiling.profile import Texts

KEPT_CHARACTERS = 1_000  # of the lowest and the highest string
MAX_TIME_BYTES = 153  # that PostgreSQL reads: date, mark, time and offset, each with a byte after it
MAX_WORD_LENGTH = 16
MISSING_WORDS = {
    *("na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", "undefined", "missing", "unknown", "\\n"),
    *("not available", "not applicable", "no data", "tbd", "n.a.", "(null)", "<na>", "none given"),
}
DIGIT_FIRST = frozenset("0123456789-")
DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(
    "([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]+))?)?"
    "([Zz]|[-+](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?"
)
UUID = re.compile("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
NUMERAL = re.compile("-?([0-9]+)([.][0-9]+)?([eE][-+]?[0-9]+)?")
UUID_LENGTH = 36
MICROSECOND_DIGITS = 6


def add_texts(texts: Texts, counts: Mapping[str, int]) -> None:
    """Add strings with their counts."""
    lowest, highest = min(counts)[:KEPT_CHARACTERS], max(counts)[:KEPT_CHARACTERS]
    texts.count += sum(counts.values())
    texts.lowest = lowest if texts.lowest is None else min(texts.lowest, lowest)
    texts.highest = highest if texts.highest is None else max(texts.highest, highest)
    texts.max_length = max(texts.max_length, *map(len, counts), 0)
    texts.max_bytes = max(texts.max_bytes, *(len(text) if text.isascii() else _bytes(text) for text in counts), 0)
    for text, count in counts.items():
        if text[:1] in DIGIT_FIRST:
            _add_numeral(texts, text, count)
        if len(text) == UUID_LENGTH and UUID.fullmatch(text):
            texts.uuids += count
        elif len(text) <= MAX_WORD_LENGTH and text.strip().lower() in MISSING_WORDS:
            texts.missing[text] += count
        elif not text or text.isspace():
            texts.blank += count


def is_date(text: str) -> bool:
    """Return whether the staging casts a text to a date."""
    return bool(DATE.fullmatch(text)) and _is_day(text)


def has_time(text: str) -> tuple[bool, bool] | None:
    """Return whether a text is a time with an offset, and whether it loses digits; None if the staging casts none."""
    found = TIME.fullmatch(text)
    if not found:
        return None
    day, hour, minute, second, fraction, offset = found.groups()
    if (
        len(text) + (1 if text[10] == " " else 3) + bool(offset) > MAX_TIME_BYTES
        or hour > "23"
        or minute > "59"
        or (second or "00") > "59"
        or not _is_day(day)
    ):
        return None
    return offset is not None, bool((fraction or "")[MICROSECOND_DIGITS:].strip("0"))


def _add_numeral(texts: Texts, text: str, count: int) -> None:
    """Add a string that begins as a number, a date or a time does."""
    if is_date(text):
        texts.dates += count
    elif time := has_time(text):
        has_offset, is_fine = time
        texts.times += count if has_offset else 0
        texts.local_times += 0 if has_offset else count
        texts.fine_times += count if is_fine else 0
    elif found := NUMERAL.fullmatch(text):
        texts.numerals += count
        texts.zero_numerals += count if len(found[1]) > 1 and found[1][0] == "0" else 0


def _is_day(text: str) -> bool:
    """Return whether a day exists, in the years 0002 to 9998."""
    if not "0002" <= text[:4] < "9999":
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
