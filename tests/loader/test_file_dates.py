"""Patterns that capture a date match only names with a real one, and a range of days is compared with it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.declarations import FilePattern
from loader.errors import RangeRefused
from loader.file_dates import Days, asked_days, capture_of, check_capture

FORMATS = {"%Y-%m-%d": 1, "%Y%m%d": 1, "%Y-%j": 1, "%Y/%m/%d/%H": 1, "%d.%m.%Y": 1, "%Y-%m": 31, "%m-%Y": 31, "%Y": 366}
WIDTHS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%j": 3}


def days(pattern: str, name: str) -> Days | None:
    capture = capture_of(check_capture(pattern))
    assert capture
    return capture.days(name)


@given(st.datetimes(), st.sampled_from(sorted(FORMATS)))
def test_each_date_is_read_as_it_is_written(instant: datetime, written: str) -> None:
    found = days(f"orders/x-{{date:{written}}}.json.gz", f"orders/x-{_text(instant, written)}.json.gz")
    assert found and found.first <= instant.date() <= found.last
    assert (found.last - found.first).days < FORMATS[written]


@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_only_real_dates_match(written: str, data: st.DataObject) -> None:
    text = written
    for directive, width in WIDTHS.items():
        text = text.replace(directive, data.draw(st.text("0123", min_size=width, max_size=width)))
    try:
        meant = datetime.strptime(text, written)
        is_real = _text(meant, written) == text  # strptime takes day 366 of a common year for the next year
    except ValueError:
        is_real = False
    assert bool(days(f"{{date:{written}}}.x", f"{text}.x")) is is_real


def _text(instant: datetime, written: str) -> str:
    """Return a date as text; strftime writes years before 1000 with fewer than four digits."""
    return instant.strftime(written.replace("%Y", f"{instant.year:04}"))


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("o/x-{date:%Y-%m}.json", "o/x-2024-02.json", ("2024-02-01", "2024-02-29")),
        ("o/x-{date:%Y}.json", "o/x-2024.json", ("2024-01-01", "2024-12-31")),
        ("o/x-{date:%Y-%m}.json", "o/x-2024-2.json", None),
        ("o/x-{date:%Y-%m}.json", "o/x-2024-02-01.json", None),
        ("o/x-{date:%Y-%m}.json", "o/x-2024-13.json", None),
        ("o/x-{date:%Y-%m}.json", "o/x-٢٠٢٤-02.json", None),
        ("o/x-{date:%Y.%m}.json", "o/x-2024_02.json", None),
        ("*{date:%Y%m%d}*", "120240301.json", ("2024-03-01", "2024-03-01")),
        ("*/{date:%Y%m%dT%H}-*.json", "o/20240301T23-part.json", ("2024-03-01", "2024-03-01")),
        ("*/{date:%Y%m%dT%H}-*.json", "o/20240301T24-part.json", None),
        ("o/{date:year=%Y/month=%m/day=%d}/*", "o/year=2024/month=03/day=05/a.json", ("2024-03-05", "2024-03-05")),
        ("o/{date:%Y/%m/%Y-%m-%d}.json", "o/2024/03/2024-03-05.json", ("2024-03-05", "2024-03-05")),
        ("o/{date:%Y/%m/%Y-%m-%d}.json", "o/2024/04/2024-03-05.json", None),
        ("**/{date:%Y-%m-%d}.json", "2024-03-05.json", ("2024-03-05", "2024-03-05")),
        ("**/{date:%Y-%m-%d}.json", "a/b/2024-03-05.json", ("2024-03-05", "2024-03-05")),
    ],
)
def test_the_days_of_a_name(pattern: str, name: str, expected: tuple[str, str] | None) -> None:
    found = days(pattern, name)
    assert (found and (str(found.first), str(found.last))) == expected


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        ("x-{date:%Y-%q}", "not with %q"),
        ("x-{date:%Y-%}", "not with %"),
        ("x-{date:%y}", "not with %y"),
        ("{date:%Y}-{date:%m}", "must capture one date: write {date:%Y} and {date:%m} as one"),
        ("x-{date:%m-%d}", "must have the year, %Y, in {date:%m-%d}"),
        ("x-{date:}", "must have the year"),
        ("x-{date:%Y-%d}", "must have the month, %m, beside %d"),
        ("x-{date:%Y-%m-%j}", "must have either %j"),
        ("x-{date:%Y-%m-%H}", "must have the day, %d or %j, beside %H"),
        ("x-{date:%Y*%m}", "must have *, ? and [ outside of {date:%Y*%m}"),
        ("x-{date}", "must capture a date as in"),
        ("x-{date:%Y-%m", "must capture a date as in"),
        ("x-{day:%Y-%m-%d}", "must capture a date as in"),
    ],
)
def test_a_wrong_capture_is_refused_with_what_to_write(pattern: str, wrong: str) -> None:
    with pytest.raises(ValueError) as caught:
        FilePattern(pattern=pattern)
    assert wrong in str(caught.value)


@pytest.mark.parametrize("pattern", ["{a}.json", "x-[{]date:%Y}.json", "{1,2}.json", "100%.json"])
def test_other_braces_are_part_of_the_name(pattern: str, tmp_path: Path) -> None:
    assert capture_of(check_capture(pattern)) is None
    name = pattern.replace("[{]", "{")
    (tmp_path / name).touch()
    entry = FilePattern(pattern=pattern)
    assert entry.matches(name)
    assert [path.name for path in entry.files(tmp_path)] == [name]


def test_files_are_found_where_they_match(tmp_path: Path) -> None:
    names = ["o/x-2024-02.json", "o/x-2024-13.json", "o/y-2024-02.json", "o/x-2024-022.json", "o/p/x-2024-02.json"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "o" / "x-2024-03.json").mkdir()
    entry = FilePattern(pattern="o/x-{date:%Y-%m}.json")
    assert [path.relative_to(tmp_path).as_posix() for path in entry.files(tmp_path)] == ["o/x-2024-02.json"]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2024-02-10", "2024-02-10", ("2024-02-10", "2024-02-10")),
        ("2024-02", "2024-02", ("2024-02-01", "2024-02-29")),
        ("2023", "2024", ("2023-01-01", "2024-12-31")),
        ("2024-02-29", None, ("2024-02-29", "9999-12-31")),
        (None, "2024-02", ("0001-01-01", "2024-02-29")),
    ],
)
def test_an_end_is_a_whole_day_month_or_year(first: str | None, last: str | None, expected: tuple[str, str]) -> None:
    found = asked_days(first, last)
    assert found and (str(found.first), str(found.last)) == expected


@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        ("2024-03-02", "2024-03-01", "--from 2024-03-02 is after --to 2024-03-01: exchange them"),
        ("2024-02-30", None, "--from '2024-02-30' is not a date: write a day, month or year, such as 2024-03-31"),
        (None, "yesterday", "--to 'yesterday' is not a date"),
        ("", None, "--from '' is not a date"),
        ("2024-3", None, "--from '2024-3' is not a date"),
        ("0000", None, "--from '0000' is not a date"),
        ("2024-03-01T00:00", None, "is not a date"),
    ],
)
def test_what_is_no_range_is_refused(first: str | None, last: str | None, wrong: str) -> None:
    with pytest.raises(RangeRefused) as caught:
        asked_days(first, last)
    assert wrong in str(caught.value)


def test_no_range_is_no_range() -> None:
    assert asked_days(None, None) is None
