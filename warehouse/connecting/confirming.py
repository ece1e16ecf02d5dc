"""Asks the user to name the database before a command destroys something in it."""

from __future__ import annotations

import sys

import click

from warehouse.errors import NotConfirmed


def confirm_database(consequence: str, database: str, given: str | None, nothing: str = "nothing was deleted") -> None:
    """Return if the user has named the database, by an option or at the terminal.

    Raises:
        NotConfirmed: another name was given, or there is no terminal to ask at.
    """
    if given is None and not sys.stdin.isatty():
        raise NotConfirmed(f"{consequence} There is no terminal to confirm it at: add `--yes {database}`; {nothing}")
    if given is None:
        click.echo(consequence)
        given = click.prompt(f"Type the name of the database ({database}) to confirm", default="", show_default=False)
    if given != database:
        raise NotConfirmed(f"{given!r} is not the name of the database, {database}; {nothing}")
