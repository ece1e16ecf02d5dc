# waybill: sample
"""Gives the benchmark its own state folder, and with it its own embedded server: nobody else's work is measured."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from warehouse import embedded
from warehouse.connection import connection_parameters, forget
from warehouse.server_paths import find_server_paths
from waybill.settings import get_settings


@contextmanager
def own_server() -> Iterator[Path]:
    """Start a new server that this process and its children use, give its folder, and remove both after the block.

    Raises:
        ClickException: `.env` names an external server, whose processes cannot be measured.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="waybill-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server may run as another user; what is in the folder is private
        try:
            _choose(folder)
            connection_parameters("owner")  # starts the server
            yield folder
        finally:
            forget()
            embedded.remove(find_server_paths(get_settings()))
            os.environ.clear()
            os.environ.update(before)


def _choose(folder: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("PG", "WAYBILL_"))]:
        del os.environ[name]
    for kind in ("state", "raw", "models", "reports", "processed"):
        os.environ[f"WAYBILL_{kind.upper()}"] = str(folder / kind)
    os.environ.update(DBT_TARGET_PATH=str(folder / "dbt"), DBT_LOG_PATH=str(folder / "dbt-logs"))
    if not get_settings().is_embedded:
        raise click.ClickException("this benchmark measures its own server: take PGHOST out of .env")
