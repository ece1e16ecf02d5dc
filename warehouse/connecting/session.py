"""The session settings that results depend on. Every connection sets them itself, dbt's too.

They are sent when a session starts, so they take precedence over the server's configuration and over settings of a
database or a login. A connection pooler must pass the start-up parameter `options` on.
"""

from __future__ import annotations

import os

from psycopg2.extensions import connection as Connection

from warehouse.errors import SettingRefused

ENCODING = "UTF8"  # of the database and of everything that is sent to it, including the documents of COPY
SETTINGS = {
    "TimeZone": "UTC",
    "timezone_abbreviations": "Default",
    "DateStyle": "ISO,MDY",
    "IntervalStyle": "postgres",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "exit_on_error": "off",
    "search_path": "",  # pg_catalog only: all other names are qualified
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
}

# Only a superuser may change this one. With another value than `origin`, PostgreSQL checks no foreign key.
REPLICATION_ROLE = """
select current_setting('session_replication_role') <> 'origin' or exists (
    select from pg_db_role_setting as settings
    cross join unnest(settings.setconfig) as setting
    where settings.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and (settings.setrole = 0 or pg_has_role(settings.setrole, 'member'))
        and setting ~ '^session_replication_role=(?!origin$)'
)
"""


def session_options(**more: str) -> str:
    """Return libpq's `options`: those of PGOPTIONS, then the settings, which take precedence, and `more` of them."""
    ours = _options(SETTINGS)
    theirs = os.environ.get("PGOPTIONS", "").partition(ours)[0]  # `dbt_variables` has put ours into the environment
    return " ".join(filter(None, [theirs.strip(), ours, _options(more)]))


def is_ours(options: str) -> bool:
    """Return whether a value of PGOPTIONS is `session_options` and nothing of the user's."""
    return options.startswith(_options(SETTINGS))


def check_replication_role(connection: Connection) -> None:
    """Raise SettingRefused if the server switches foreign keys off for the database or one of the logins."""
    with connection.cursor() as cursor:
        cursor.execute(REPLICATION_ROLE)
        if cursor.fetchone()[0]:  # type: ignore[index]
            raise SettingRefused(
                f"session_replication_role is not origin in the database {connection.info.dbname}, so PostgreSQL would "
                "check no foreign key: reset it where it is set (`\\drds` in psql lists databases and logins, else "
                "postgresql.conf)"
            )


def _options(settings: dict[str, str]) -> str:
    return " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())
