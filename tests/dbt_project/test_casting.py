"""The grammar of each type: which spellings staging reads, as which value, and which it refuses, in any locale and session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import drop_database, execute_on_server, rows
from tests.support.dbt_command import Dbt, message
from warehouse.connection import connect

Expressions = dict[str, str]

ACCEPTED: dict[str, dict[str, str]] = {
    "integer": {"5": "5", "-5": "-5", "-0": "0", "517.0": "517", "007": "7", "-2147483648": "-2147483648"},
    "bigint": {"9223372036854775807": "9223372036854775807", "5.00": "5"},
    "minutes": {"432000": "432000", "-432000.0": "-432000"},
    "numeric": {"0.10": "0.1", "-5": "-5", "12345678901234567890.5": "12345678901234567890.5"},
    "double precision": {"-0": "0", "1e2": "100", "1E+2": "100", "0.5": "0.5", "-1e38": "-1e+38", "1e-300": "1e-300"},
    "boolean": {"true": "true", "false": "false"},
    "uuid": {"A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    "date": {"2013-02-28": "2013-02-28", "0002-01-01": "0002-01-01", "9998-12-31": "9998-12-31"},
    "hhmm": {"0": "0", "5": "5", "0517": "517", "517.0": "517", "2400": "2400", "2359": "2359"},
    "time_zone": {
        zone: zone
        for zone in ("UTC", "GMT", "Etc/UTC", "Etc/GMT+5", "America/New_York", "America/Argentina/Buenos_Aires")
    },
    "timestamp": {"2013-03-06T10:00:00": "2013-03-06 10:00:00", "2013-03-06 10:00": "2013-03-06 10:00:00"},
    "timestamptz": {
        "2013-03-06T10:00:00Z": "2013-03-06 10:00:00+00",
        "2013-03-06t10:00:00z": "2013-03-06 10:00:00+00",
        "2013-03-06 10:00:00Z": "2013-03-06 10:00:00+00",
        "2013-03-06T10:00Z": "2013-03-06 10:00:00+00",
        "2013-03-06T10:00:00-00:00": "2013-03-06 10:00:00+00",
        "2013-03-06T10:00:00+02:00": "2013-03-06 08:00:00+00",
        "2013-03-06T10:00:00+0530": "2013-03-06 04:30:00+00",
        "2013-03-06T10:00:00+14": "2013-03-05 20:00:00+00",
        "2013-03-06T10:00:00.5Z": "2013-03-06 10:00:00.5+00",
        "2013-03-06T10:00:00.12+01:00": "2013-03-06 09:00:00.12+00",
        "2013-03-06T23:59:59.9999999Z": "2013-03-06 23:59:59.999999+00",
        "2013-03-06T10:00:00.000000100+00:00": "2013-03-06 10:00:00+00",
        "0002-01-01T00:00:00+14:00": "0001-12-31 10:00:00+00",
        "9998-12-31T23:59:59-14:00": "9999-01-01 13:59:59+00",
    },
    "timestamptz in Europe/Paris": {
        "2013-07-06T10:00:00": "2013-07-06 08:00:00+00",
        "2013-01-06 10:00": "2013-01-06 09:00:00+00",
        "2013-01-06T10:00:00Z": "2013-01-06 10:00:00+00",
        "2013-10-27T02:30:00": "2013-10-27 01:30:00+00",
    },
    "epoch_seconds": {
        "0": "1970-01-01 00:00:00+00",
        "1362564000.5": "2013-03-06 10:00:00.5+00",
        "-0.25": "1969-12-31 23:59:59.75+00",
        "253370764799": "9998-12-31 23:59:59+00",
    },
    "epoch_milliseconds": {"1362564000123": "2013-03-06 10:00:00.123+00", "-1": "1969-12-31 23:59:59.999+00"},
}
NOT_NUMBERS = [
    "",
    " ",
    " 5",
    "5 ",
    "5\n",
    "+5",
    "5.",
    ".5",
    "0x10",
    "0b11",
    "0o7",
    "1_000",
    "５１７.0",
    "٣",
    "५",
    "1,5",
]
NOT_NUMBERS += [
    "NaN",
    "Infinity",
    "-inf",
    "true",
    "null",
    "{}",
    "[]",
    "1e",
    "--5",
    "5-3",
    "1.2.3",
    "5\u00a0",
    "5\u200b",
]
NOT_DATES = ["", "2013-02-30", "2013-13-01", "2013-00-10", "0000-01-01", "0001-01-01", "9999-12-31", "12013-01-01"]
NOT_DATES += [
    "2013-1-1",
    "20130101",
    "2013-001",
    "01/02/2013",
    "infinity",
    "-infinity",
    "epoch",
    "now",
    "today",
    "J2456658",
]
NOT_DATES += ["2013-01-01 BC", "-013-01-01", "20-3-01-01", "２０１３-01-01", " 2013-01-01", "2013-01-01\n"]
NOT_TIMES = [
    *NOT_DATES,
    "2013-03-06",
    "2013-03-06T10",
    "2013-03-06T10:00.5Z",
    "2013-03-06T1:00:00Z",
    "2013-03-06T10:0:00Z",
]
NOT_TIMES += [
    f"2013-03-06T{time}Z" for time in ("24:00:00", "23:59:60", "23:60:00", "10:00:00.", "10:00:00,5", "100000")
]
NOT_TIMES += [
    f"2013-03-06T{time}Z"
    for time in ("1::00:00", "10:000", "10:00:000", "10:00:00 ", "-1:00:00", "+1:00:00", "10:00:0５")
]
NOT_TIMES += ["2013-02-30T10:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "0000-12-31T23:59:59Z"]
NOT_TIMES += ["2013-03-06T10:00:00 BC Z", "2013-03-06T10:00:00Z BC", "2013-03-06_10:00:00Z", "2013-03-06  10:00:00Z"]
WITH_OFFSET = [
    "2013-03-06T10:00:00" + offset for offset in ("UTC+02:00", "GMT", " UTC", "PST", " Europe/Paris", "+2", "+24:00")
]
WITH_OFFSET += [
    "2013-03-06T10:00:00" + offset for offset in ("+15:00", "+02:60", "+02:00:30", "Z+02:00", "+02:00Z", "−02:00")
]
REFUSED: dict[str, list[str]] = {
    "integer": [*NOT_NUMBERS, "1e2", "0.5", "2147483648", "-2147483649", "99999999999999999999"],
    "bigint": [*NOT_NUMBERS, "1e2", "0.5", "9223372036854775808"],
    "minutes": [*NOT_NUMBERS, "432001", "-2147483648"],
    "numeric": [*NOT_NUMBERS, "1e2", "9" * 41, "0." + "1" * 39],
    "double precision": [*NOT_NUMBERS, "1e400", "1e-400", "1.1e38", "-1e39", "9" * 401],
    "boolean": ["", "t", "TRUE", "True", "yes", "on", "1", "0", " true", "tru"],
    "uuid": [
        "",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g",
    ],
    "date": [*NOT_DATES, "2013-01-01T00:00:00Z"],
    "hhmm": [
        "",
        "-1",
        "2401",
        "60",
        "1260",
        "05:17",
        "517.5",
        "５１７.0",
        "00517",
        "1e2",
        "+517",
        " 517",
        "0x10",
        "9" * 400,
    ],
    "time_zone": [
        "",
        "utc",
        "EST",
        "PST8PDT",
        "UTC+2",
        "Etc/GMT+99",
        "America/Nowhere",
        "America/Nowhere+5",
        "AMERICA/NEW_YORK",
        "America/new_york",
        "posix/America/New_York",
        "<+02>-02",
        "Z",
        "local",
        "default",
        " UTC",
        "America/New_York ",
    ],
    "timestamp": [*NOT_TIMES, *WITH_OFFSET, "2013-03-06T10:00:00Z", "2013-03-06T10:00:00+02:00"],
    "timestamptz": [*NOT_TIMES, *WITH_OFFSET, "2013-03-06T10:00:00", "1362564000"],
    "timestamptz in Europe/Paris": [*NOT_TIMES, *WITH_OFFSET, "2013-03-31T02:30:00"],
    "epoch_seconds": [*NOT_NUMBERS, "1e9", "1362564000123", "-62104060801", "253370764800"],
    "epoch_milliseconds": [*NOT_NUMBERS, "1e12", "253370764800000"],
}
HOSTILE = """
set datestyle to 'SQL, DMY'; set timezone to 'Asia/Kolkata'; set intervalstyle to 'sql_standard';
set timezone_abbreviations to 'India'; set bytea_output to 'escape'; set xmloption to document
"""


@pytest.fixture(scope="module")
def expressions(dbt_database: Dbt) -> Expressions:
    """Return type → SQL of whether `value` is castable, and the cast value as text, as dbt compiles them."""
    lines = [
        f"{{{{ is_castable('value', '{name}') }}}} ;; "
        + (
            f"({{{{ cast_value('value', '{name}') }}}})::text"
            if is_plain(name)
            else f"{{{{ key_text('value', '{name}') }}}}"
        )
        for name in ACCEPTED
    ]
    result = dbt_database.run("compile", "--inline", " ;;; ".join(lines))
    assert result.success, message(result)
    compiled = result.result.results[0].node.compiled_code.split(" ;;; ")
    return dict(zip(ACCEPTED, compiled, strict=True))


def is_plain(name: str) -> bool:
    """Return whether a cast value has the same text in every session."""
    return not name.startswith(("time", "date", "epoch", "numeric"))


@pytest.fixture(scope="module", params=["", "PG_UNICODE_FAST"])
def database(request: pytest.FixtureRequest, dbt_database: Dbt) -> Iterator[str]:
    """Name a database, of the default locale and of one where `[[:digit:]]` matches other scripts."""
    if not request.param:
        yield ""
        return
    if rows("select current_setting('server_version_num')::int < 180000") == [(True,)]:
        pytest.skip("this locale is new in PostgreSQL 18")
    name = "casting_unicode"
    execute_on_server(
        f"drop database if exists {name}",
        f"create database {name} template template0 locale_provider builtin builtin_locale '{request.param}'",
    )
    yield name
    drop_database(name)


def read(expressions: Expressions, database: str, kind: str, texts: list[str], settings: str) -> list[str | None]:
    """Return the value that each text has as a type, None where it is refused."""
    is_castable, value = expressions[kind].split(" ;; ")
    query = f"""
        select case when castable then {value} end
        from (select value, {is_castable} as castable, ordinality from unnest(%s) with ordinality as t (value)) as t
        order by ordinality
    """
    with pytest.MonkeyPatch.context() as patch:
        if database:
            patch.setenv("PGDATABASE", database)
        connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(settings or "select")
        cursor.execute("select set_config('standard_conforming_strings', 'on', false)")
        cursor.execute(query.replace("%", "%%").replace("unnest(%%s)", "unnest(%s)"), (texts,))
        found = [row[0] for row in cursor.fetchall()]
    connection.close()
    return found


@pytest.mark.parametrize("settings", ["", HOSTILE], ids=["usual", "hostile"])
@pytest.mark.parametrize("kind", ACCEPTED)
def test_each_accepted_spelling_is_read_as_its_value(
    expressions: Expressions, database: str, kind: str, settings: str
) -> None:
    texts = list(ACCEPTED[kind])
    found = read(expressions, database, kind, texts, settings)
    assert dict(zip(texts, found, strict=True)) == ACCEPTED[kind]


@pytest.mark.parametrize("settings", ["", HOSTILE], ids=["usual", "hostile"])
@pytest.mark.parametrize("kind", REFUSED)
def test_every_other_spelling_is_refused(expressions: Expressions, database: str, kind: str, settings: str) -> None:
    found = read(expressions, database, kind, REFUSED[kind], settings)
    accepted = {text: value for text, value in zip(REFUSED[kind], found, strict=True) if value is not None}
    assert accepted == {}


@pytest.mark.parametrize("kind", ["smallint", "timestamptz in utc+2"])
def test_a_type_without_a_grammar_is_refused_by_name(
    dbt_database: Dbt, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = dbt_database.run("compile", "--inline", f"{{{{ is_castable('value', '{kind}') }}}}")
    assert not result.success
    assert f"type {kind} is not one of text, integer" in capsys.readouterr().out


def test_any_set_of_checks_compiles_to_valid_sql(dbt_database: Dbt) -> None:
    calls = [
        f"uncastable_reason(types={types}, fields={fields}, required={required}, names={names})"
        for types in ({}, {"a": "integer"}, {"a": "date", "b": "timestamptz"})
        for fields in ({}, {"b": "/b"}, {"a": "/a", "b": "/b"})
        for required in ([], ["a"])
        for names in ([], ["a"], ["a", "b"])
    ]
    calls += ["uncastable_reason()", "uncastable_reason({})", "uncastable_reason({}, {}, none, ['a'], ['a'])"]
    calls.append("uncastable_reason({'a': 'timestamptz in Australia/Sydney'})")
    result = dbt_database.run("compile", "--inline", "concat(" + ", ".join(f"{{{{ {call} }}}}" for call in calls) + ")")
    assert result.success, message(result)
    compiled = result.result.results[0].node.compiled_code.replace("%", "%%")
    documents = """select '5'::text as a, '6'::text as b, '{"a": [], "b": 6}'::jsonb as _document"""
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(f"select {compiled} from ({documents}) as documents", ())
        (reasons,) = cursor.fetchone()
    assert "is not a date" in reasons
    assert '"5" is not a local time of Australia/Sydney, or a time with a UTC offset' in reasons
    connection.close()
