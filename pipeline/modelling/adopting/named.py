"""The paths that a user names: what is adopted or decided again. Without any, all that differs is."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.flags import Flags
from waybill.json_pointers import ANY, split_pointer


@dataclass(frozen=True)
class Named:
    """`pointers` limit what changes, unless all may; `flagged` are the paths of flags, which are decided again, too.

    `kept` are the paths of columns that a flag gives the type that they have: they stay unchanged.
    """

    pointers: tuple[Names, ...] = ()
    flagged: tuple[Names, ...] = ()
    is_all: bool = False
    kept: frozenset[Names] = frozenset()

    def takes(self, path: Names) -> bool:
        """Return whether a path is adopted: it is named, below a named one, or holds a named one."""
        return self.is_all or any(_agree(path, pointer) for pointer in (*self.pointers, *self.flagged))

    def redecides(self, path: Names, *, is_column: bool) -> bool:
        """Return whether a path that exists is decided again; a column also if a path below it is named."""
        return path not in self.kept and any(
            _agree(path, pointer) and (is_column or len(path) >= len(pointer))
            for pointer in (*self.pointers, *self.flagged)
        )


NOTHING = Named()


def named_paths(pointers: tuple[str, ...], flags: Flags) -> Named:
    """Return what the user names with pointers and with flags."""
    flagged = (*flags.json, *flags.maps, *flags.tables, *flags.columns, *flags.types, *flags.left_out)
    return Named(tuple(map(_names, pointers)), tuple(map(_names, flagged)), is_all=not pointers)


def _names(pointer: str) -> Names:
    return tuple(split_pointer(pointer))


def _agree(path: Names, pointer: Names) -> bool:
    """Return whether one path leads to the other or to what is below it; `*` is any name."""
    return all(name == other or ANY in (name, other) for name, other in zip(path, pointer, strict=False))
