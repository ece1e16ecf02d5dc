"""The tables and columns of a source before they have names: what `structure` finds and `naming` names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.profiling.profile import Node
from waybill.json_pointers import ANY, join_pointer


@dataclass
class DraftColumn:
    """A column: the values of one leaf, or a whole value that is kept as JSON.

    `pointer` leads from the table's element, `path` from the document; both end in the members of the export wrapper
    around the value, `wrapper`. `rows` counts the rows of its table. `reason` says why the type was chosen, `flag` how
    to change it.
    """

    pointer: Names
    path: Names
    node: Node
    type: str
    rows: int
    wrapper: Names = ()
    reason: str = ""
    flag: str = ""
    name: str = ""

    @property
    def path_text(self) -> str:
        """The path as people read it."""
        return join_pointer(self.path)

    @property
    def field(self) -> Names:
        """The path without the member of an export wrapper: what names the column."""
        return self.path[: len(self.path) - len(self.wrapper)]

    @property
    def present(self) -> int:
        """How many rows have a value that is not null."""
        return sum(self.node.kinds.values()) - self.node.kinds["null"]


@dataclass
class DraftTable:
    """A table: the documents, or the elements of an array or map."""

    kind: Literal["document", "array", "map"]
    path: Names
    pointer: Names
    rows: int
    parent: DraftTable | None = None
    columns: list[DraftColumn] = field(default_factory=list)
    reason: str = ""
    flag: str = ""
    suffix: str = ""
    own_key: str = ""

    @property
    def path_text(self) -> str:
        """The path as people read it."""
        return join_pointer(self.path)

    @property
    def level(self) -> int:
        """How many tables are above this one."""
        return 0 if self.parent is None else self.parent.level + 1

    @property
    def element_path(self) -> Names:
        """The path of one row's value."""
        return (*self.path, ANY) if self.kind != "document" else ()
