"""Digests all that a result follows from. While the digest is the same, the work need not be repeated."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, text

from warehouse.unchanged.table_states import BATCHES, table_states
from waybill.settings import relative_name

WITHOUT_ROWS = """
select exists (
    select from unnest(cast(:tables as text[])) as name inner join pg_class on pg_class.oid = to_regclass(name)
    where pg_class.relkind not in ('r', 'm')
)
"""


def digest_state(
    connection: Connection,
    tables: Collection[str],
    files: Iterable[Path],
    *,
    packages: Iterable[str] = (),
    also: object = None,
) -> str:
    """Return a digest of tables (`schema.table`), the contents of files, the versions of packages, and one more value.

    It costs one pass over the tables, which reads no values. The rows of a view cannot be seen, so with a view each
    digest is another one. A file that does not exist has a digest, too.
    """
    found: list[object] = [also]
    if tables:
        found.append(connection.scalar(text(BATCHES)))
        found += sorted(table_states(connection.connection.dbapi_connection, tables).items())  # type: ignore[arg-type]
    if connection.scalar(text(WITHOUT_ROWS), {"tables": sorted(tables)}):
        found.append(os.urandom(16))
    found += [(name, version(name)) for name in sorted(packages)]
    digest = hashlib.blake2b(repr(found).encode(), digest_size=16)
    for path in sorted(files):
        content = path.read_bytes() if path.exists() else None
        digest.update(repr((relative_name(path), content)).encode())
    return digest.hexdigest()
