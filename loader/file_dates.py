"""Dates in the names of files: what a pattern such as `orders-{date:%Y-%m}.ndjson` captures, and ranges of days."""

from __future__ import annotations

import calendar
import glob
import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from fnmatch import fnmatch
from functools import cache

from loader.errors import RangeRefused

DIGITS = {"Y": 4, "m": 2, "d": 2, "H": 2, "j": 3}  # directives of strptime, and how many digits each one has
CAPTURE = re.compile(r"\{date:([^{}]*)\}")
DIRECTIVE = re.compile(r"%(.?)", re.S)
BEGINNING = re.compile(r"\{date[:}]|\{\w*:[^{}]*%")  # what begins as a capture, or may be meant as one
CAPTURED = "\0"  # instead of the date; no file name holds this character
DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


@dataclass(frozen=True)
class Days:
    """A range of days, both included: the period that a file name means, or the range that a user asks for."""

    first: date
    last: date

    def __str__(self) -> str:
        """Return the range; an end that is open is left out."""
        first = f"from {self.first}" if self.first > date.min else ""
        last = f"to {self.last}" if self.last < date.max else ""
        return f"{first} {last}".strip()

    @property
    def options(self) -> list[str]:
        """The options of `waybill load` that ask for the range."""
        first = ["--from", str(self.first)] if self.first > date.min else []
        return first + (["--to", str(self.last)] if self.last < date.max else [])

    def touches(self, other: Days) -> bool:
        """Return whether the two have a day in common."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Capture:
    """A pattern that captures a date: `glob` finds files whose names may hold one, `days` reads it from a name."""

    glob: str
    _around: str
    _date: re.Pattern[str]

    def days(self, path: str) -> Days | None:
        """Return the days that a path below the raw folder means; None if it does not match or has no real date.

        If several dates in the path fit, the first one is read.
        """
        for found in self._date.finditer(path):
            around = f"{path[: found.start()]}{CAPTURED}{path[found.end('date') :]}"
            days = _period(found.groupdict()) if fnmatch(around, self._around) else None
            if days:
                return days
        return None


def check_capture(pattern: str) -> str:
    """Return a pattern for files. Raise ValueError with what to write if it captures a date in a wrong way."""
    found = CAPTURE.findall(pattern)
    if BEGINNING.search(CAPTURE.sub("", pattern)):
        raise ValueError("must capture a date as in orders-{date:%Y-%m-%d}.ndjson; a brace before `date` is [{]")
    if len(found) > 1:
        raise ValueError(
            f"must capture one date: write {{date:{found[0]}}} and {{date:{found[1]}}} as one, such as {{date:%Y/%m}}"
        )
    if found:
        _check_format(found[0])
    return pattern


def _check_format(text: str) -> None:
    written = DIRECTIVE.findall(text)
    unknown = next((name for name in written if name not in DIGITS), None)
    if unknown is not None:
        raise ValueError(f"must write dates with %Y, %m, %d, %H or %j, such as {{date:%Y-%m}}, not with %{unknown}")
    if re.search(r"[*?[\]]", text):
        raise ValueError(f"must have *, ? and [ outside of {{date:{text}}}")
    if "Y" not in written:
        raise ValueError(f"must have the year, %Y, in {{date:{text}}}")
    if "j" in written and ("m" in written or "d" in written):
        raise ValueError(f"must have either %j, the day of the year, or %m and %d in {{date:{text}}}")
    if "d" in written and "m" not in written:
        raise ValueError(f"must have the month, %m, beside %d in {{date:{text}}}")
    if "H" in written and not {"d", "j"} & {*written}:
        raise ValueError(f"must have the day, %d or %j, beside %H in {{date:{text}}}")


@cache
def capture_of(pattern: str) -> Capture | None:
    """Return how to read the date that a valid pattern captures; None if it captures none."""
    found = CAPTURE.search(pattern)
    if not found:
        return None
    before, text, after = pattern[: found.start()], found[1], pattern[found.end() :]
    around = f"{before}{CAPTURED}{after}".replace("**/", "*")  # `*` of fnmatch crosses folders, `**/` may be no folder
    digits = DIRECTIVE.sub(lambda directive: "[0-9]" * DIGITS[directive[1]], glob.escape(text))
    return Capture(f"{before}{digits}{after}", around, re.compile(f"(?=(?P<date>{_expression(text)}))"))


def _expression(text: str) -> str:
    """Return a regular expression for a date; a directive that comes twice must be the same number."""
    seen: set[str] = set()
    parts = []
    for number, part in enumerate(DIRECTIVE.split(text)):
        if not number % 2:
            parts.append(re.escape(part))
        elif part in seen:
            parts.append(f"(?P={part})")
        else:
            seen.add(part)
            parts.append(f"(?P<{part}>[0-9]{{{DIGITS[part]}}})")
    return "".join(parts)


def _period(written: dict[str, str]) -> Days | None:
    """Return the day, month or year of the captured numbers; None if there is no such date."""
    try:
        if "H" in written:
            time(int(written["H"]))
        if "j" not in written:
            return _days(written["Y"], written.get("m"), written.get("d"))
        day = date(int(written["Y"]), 1, 1) + timedelta(days=int(written["j"]) - 1)
    except (ValueError, OverflowError):
        return None
    return _one(day) if day.year == int(written["Y"]) else None


def _one(day: date) -> Days:
    return Days(day, day)


def _days(year: str, month: str | None, day: str | None) -> Days:
    """Return a day, a month or a year. Raise ValueError if there is no such date."""
    if day and month:
        return _one(date(int(year), int(month), int(day)))
    first, last = int(month or 1), int(month or 12)
    start = date(int(year), first, 1)
    return Days(start, date(int(year), last, calendar.monthrange(int(year), last)[1]))


def asked_days(first: str | None, last: str | None) -> Days | None:
    """Return the range of `--from` and `--to`, each a day, month or year, wholly included; None without either.

    Raises:
        RangeRefused: an end is not a date, or the first day is after the last one.
    """
    if first is None and last is None:
        return None
    start = _asked("--from", first).first if first is not None else date.min
    end = _asked("--to", last).last if last is not None else date.max
    if start > end:
        raise RangeRefused(f"--from {first} is after --to {last}: exchange them")
    return Days(start, end)


def _asked(option: str, text: str) -> Days:
    found = DAY.fullmatch(text)
    try:
        if found:
            return _days(found[1], found[2], found[3])
    except ValueError:
        pass
    raise RangeRefused(f"{option} {text!r} is not a date: write a day, month or year, such as 2024-03-31 or 2024-03")
