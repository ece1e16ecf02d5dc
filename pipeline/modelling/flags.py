"""The flags of `waybill new` with which a user changes decisions. `deciding` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loader.declared_types import VALUE


@dataclass(frozen=True)
class Flags:
    """What the user decides; everything else is decided from the documents.

    Paths lead from the whole document, with `*` for elements of arrays and members of maps (`/grades/*/score`). `key`
    has pointers, or is `("value",)`; `version` is a pointer or `delivery`. `tables`, `columns` and `types` map paths
    to names and types; `left_out` maps paths to the reason.
    """

    key: tuple[str, ...] = ()
    version: str | None = None
    json: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    is_dimension: bool = False

    @property
    def key_is_value(self) -> bool:
        """Whether the user wants the document itself to be its key."""
        return self.key == (VALUE,)
