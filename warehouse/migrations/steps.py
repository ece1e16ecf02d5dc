"""What the steps in `versions/` are written with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context, op
from psycopg2 import sql

from warehouse.logins import Role


def execute(statement: str) -> None:
    """Execute SQL as the owner. `{loader}`, `{transformer}` … become the logins that play the roles.

    Literal braces are doubled; colons and percent signs need no escape.
    """
    connection = op.get_bind().connection
    names = {role: sql.Identifier(login) for role, login in context.config.attributes["logins"].items()}
    cursor = connection.cursor()
    cursor.execute(sql.SQL(statement).format(**names))
    cursor.close()


@contextmanager
def acting_as(role: Role) -> Iterator[None]:
    """Execute the block's SQL as a role's login, which then owns what the block creates."""
    execute(f"set local role {{{role}}}")
    yield
    execute("reset role")
