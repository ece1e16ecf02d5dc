"""The options of `waybill new` and `waybill adopt` that decide something, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from loader.declared_types import DELIVERY, VALUE
from pipeline.errors import ModellingRefused
from pipeline.modelling.flags import Flags
from waybill.json_pointers import POINTER

OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--key", multiple=True, metavar="PATH", help=f"A field of the key; repeat it for more. `{VALUE}`: the document."
    ),
    click.option("--version", metavar="PATH", help=f"The field that orders the versions of a key, or `{DELIVERY}`."),
    click.option("--json", multiple=True, metavar="PATH", help="Keep the value at PATH as jsonb in one column."),
    click.option(
        "--map", "maps", multiple=True, metavar="PATH", help="The member names of the object at PATH are data."
    ),
    click.option(
        "--table", "tables", multiple=True, metavar="PATH=name", help="Name the child table of an array or map."
    ),
    click.option("--column", "columns", multiple=True, metavar="PATH=name", help="Name a column."),
    click.option("--type", "types", multiple=True, metavar="PATH=type", help="Type of a column, e.g. /id=text."),
    click.option(
        "--leave-out", "left_out", multiple=True, metavar="PATH", help="Make no column or table of PATH."
    ),
)  # fmt: skip


def decision_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that decide something."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def read_flags(given: Mapping[str, Any], *, is_dimension: bool = False) -> Flags:
    """Return the decisions of the user.

    Raises:
        ModellingRefused: a path is not a JSON pointer, or a name is missing.
    """
    version = given["version"]
    _paths("--version", [version] if version not in (None, "", DELIVERY) else [])
    return Flags(
        key=given["key"] if given["key"] == (VALUE,) else _paths("--key", given["key"]),
        version=version,
        json=_paths("--json", given["json"]),
        maps=_paths("--map", given["maps"]),
        tables=_named("--table", given["tables"]),
        columns=_named("--column", given["columns"]),
        types=_named("--type", given["types"]),
        left_out={path: "left out with --leave-out" for path in _paths("--leave-out", given["left_out"])},
        is_dimension=is_dimension,
    )


def require_pointer(flag: str, path: str) -> None:
    """Raise an error that says what to write if a path is not a JSON pointer."""
    if not POINTER.fullmatch(path):
        raise ModellingRefused(f"{flag} {path}: PATH must be a JSON pointer, such as /{path.strip('/') or 'name'}")


def _paths(flag: str, given: Any) -> tuple[str, ...]:
    for path in given:
        require_pointer(flag, path)
    return tuple(dict.fromkeys(given))


def _named(flag: str, given: tuple[str, ...]) -> dict[str, str]:
    """Split PATH=name at the last equals sign: a name has none."""
    pairs = [text.rpartition("=") for text in given]
    for path, _, name in pairs:
        if not path or not name:
            raise ModellingRefused(f"{flag} {path or name}: write {flag} PATH={'type' if flag == '--type' else 'name'}")
    _paths(flag, [path for path, _, _ in pairs])
    return {path: name for path, _, name in pairs}
