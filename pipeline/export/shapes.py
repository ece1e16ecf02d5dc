"""The shapes of the exported documents, one file per exported mart: `pipeline/export/shapes/<mart>.yml`.

`document` lists the fields of the document, nested as in the file. What fills a field is one of:

- the name of a column of the mart. Times are written in UTC, numbers with all their digits, and jsonb is not changed.
  It may be followed by the form that the value had in its source: `count as text`, `created_at as milliseconds`;
- a member: a dimension that the mart refers to. `members` gives, by foreign key without `_id`, the columns to take;
- a child mart: its rows that belong to this row. If the last column of its primary key is a number, they are an
  array in the order of that number, and if it is a text, an object with these names. `children` gives, by child mart,
  what each row adds: a column, or an object, to any depth.

`pairs` names, by mart, a jsonb column that holds JSON pointer → value; each value is put in its place in the object.
`without` names a boolean column of the mart: a row where it is true, such as one that is inferred, has no document.
With `nulls: left out`, a field without a value is left out, and an object or array without any; otherwise it is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from pipeline.errors import ExportRefused
from pipeline.export.columns import FORMS
from waybill.declared.yaml_files import read_declared

SHAPES = Path(__file__).with_name("shapes")

Content = Any  # a column, member or child mart, or a mapping field → content


@dataclass(frozen=True)
class Shape:
    """The shape of one mart's documents, and the file that declares it."""

    mart: str
    file: Path
    document: Content
    members: Mapping[str, tuple[str, ...]]
    children: Mapping[str, Content]
    pairs: Mapping[str, str]
    leaves_out_nulls: bool
    without: str | None


def names_in(content: Content) -> Iterator[str]:
    """Yield the columns, members and child marts that fill a document or element."""
    if isinstance(content, Mapping):
        for nested in content.values():
            yield from names_in(nested)
    else:
        yield content


def _require_names(content: Content, field: str = "") -> Content:
    """Raise an error for a field that is neither a name nor an object of such fields."""
    if isinstance(content, dict) and content:
        for name, nested in content.items():
            _require_names(nested, name)
    elif not isinstance(content, str):
        named = f"must give {field} the name of" if field else "must be"
        raise ValueError(f"{named} a column, a member or a child mart, or an object of fields")
    elif (form := content.partition(" as ")[2]) and form not in FORMS:
        raise ValueError(f"must write {content.partition(' as ')[0]} as one of {', '.join(FORMS)}, not as {form}")
    return content


def _require_names_or_nothing(content: Content) -> Content:
    return content if content == {} else _require_names(content)  # an element that is always {}


Filled = Annotated[Any, AfterValidator(_require_names)]
FilledOrEmpty = Annotated[Any, AfterValidator(_require_names_or_nothing)]


class _Declaration(BaseModel):
    """What the file of a shape may hold."""

    model_config = ConfigDict(extra="forbid")

    nulls: Literal["written", "left out"] = "written"
    members: dict[str, tuple[str, ...]] = {}
    children: dict[str, FilledOrEmpty] = {}
    pairs: dict[str, str] = {}
    without: str | None = None
    document: Filled


def read_shapes() -> list[Shape]:
    """Return the shapes of all exported marts, by name."""
    return [_read_shape(file) for file in sorted(SHAPES.glob("*.yml"))]


def _read_shape(file: Path) -> Shape:
    declared = read_declared(file, _Declaration, ExportRefused)
    used = Counter(name for content in (declared.document, *declared.children.values()) for name in names_in(content))
    for child in declared.children:
        if used[child] != 1:
            raise ExportRefused(f"{file}: {child} must fill one field, not {used[child]}: correct it")
    return Shape(
        file.stem,
        file,
        declared.document,
        declared.members,
        declared.children,
        declared.pairs,
        declared.nulls == "left out",
        declared.without,
    )
