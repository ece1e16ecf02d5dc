"""Reads the declarations of sources: `loader/sources/<source>.yml`, one for each kind of document."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loader.declared_types import (
    ENVELOPE,
    VALUE,
    Carried,
    ContractName,
    Fields,
    Key,
    LeftOut,
    PathPattern,
    Pointer,
    SourceName,
    Version,
    Withdrawal,
)
from loader.errors import SourceBroken, SourceUnknown
from loader.file_dates import Days, capture_of
from waybill.cli import shown_command
from waybill.declared.yaml_files import read_declared

SOURCES = Path(__file__).with_name("sources")
CONTRACTS = Path(__file__).with_name("contracts")
Layout = Literal["ndjson", "array", "records", "document"]


class FilePattern(BaseModel):
    """Which files below the raw folder belong to a source, and how their documents are laid out.

    The pattern may capture a date: `orders-{date:%Y-%m}.ndjson` matches only names with a real month there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: PathPattern
    layout: Layout = "ndjson"
    records_at: Pointer | None = None

    @property
    def captures_date(self) -> bool:
        """True if the pattern captures a date."""
        return capture_of(self.pattern) is not None

    def matches(self, below: str) -> bool:
        """Return whether a path below the raw folder matches."""
        return self.days(below) is not None if self.captures_date else fnmatch(below, self.pattern)

    def days(self, below: str) -> Days | None:
        """Return the days that a path below the raw folder means; None if it does not match, or has no date."""
        capture = capture_of(self.pattern)
        return capture.days(below) if capture else None

    def files(self, raw_folder: Path) -> Iterator[Path]:
        """Yield the files below the raw folder that match, in no order."""
        capture = capture_of(self.pattern)
        for path in raw_folder.glob(capture.glob if capture else self.pattern):
            is_date = capture is None or capture.days(path.relative_to(raw_folder).as_posix())
            if is_date and path.is_file():
                yield path

    @model_validator(mode="after")
    def has_records_at(self) -> FilePattern:
        """Raise an error if the layout is `records` and nothing says where they are, or the other way round."""
        if (self.layout == "records") != (self.records_at is not None):
            raise ValueError("must have records_at, such as /data/hotels, with layout records and with no other layout")
        return self


class Source(BaseModel):
    """One declared source. Pointers are JSON pointers (RFC 6901).

    `carried` says which column of which mart holds the values at a path, `left_out` which paths no mart holds and why.
    In these paths, `*` leads to every element of an array, or every member of a map. `reject_share` is the share of a
    day's documents that may be rejected without an alert, for a source that needs another than the usual one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: SourceName
    description: str
    contract: ContractName
    topic: str | None = None
    key: Key
    version: Version
    missing_texts: list[str] | dict[Fields, list[str]] = []
    trimmed: list[Fields] = []
    withdrawn_when: Withdrawal | None = None
    tombstone: Literal["delete"] | None = None
    fresh_days: int | None = Field(default=None, ge=1)
    reject_share: float | None = Field(default=None, ge=0, le=1)
    carried: Carried = {}
    left_out: LeftOut = {}
    files: list[FilePattern] = []

    @model_validator(mode="before")
    @classmethod
    def has_version(cls, content: Any) -> Any:
        """Raise an error that says what to write if there is no version."""
        if isinstance(content, dict) and content.get("version") is None:
            raise ValueError(
                "must have a version: the pointer of a field that grows with each correction, such as /updated_at, or "
                "delivery if the last delivered document is current"
            )
        return content

    @model_validator(mode="after")
    def envelope_has_version(self) -> Source:
        """Raise an error if the version is in an envelope, and documents can come without one."""
        if self.envelope_version and (self.topic or any(entry.layout != "records" for entry in self.files)):
            raise ValueError(
                f"version {self.version} is beside records: only files of layout records have one, so remove `topic` "
                "and the patterns of other layouts, or name a field of the documents"
            )
        return self

    @model_validator(mode="after")
    def tombstone_has_key(self) -> Source:
        """Raise an error if nulls are to delete documents, and there is no topic or no key that could name one."""
        if self.tombstone and not self.topic:
            raise ValueError(
                "must have a topic, because `tombstone` is about its messages: add `topic`, or remove `tombstone`"
            )
        if self.tombstone and not self.key_pointers:
            raise ValueError(f"must not have tombstone with key {VALUE}: a null has no value, so it names no document")
        return self

    @property
    def key_pointers(self) -> list[str]:
        """The pointers of the key's fields; none if the key is the document's value."""
        return [] if self.key == [VALUE] else self.key

    @property
    def captures_dates(self) -> bool:
        """True if a pattern captures a date."""
        return any(entry.captures_date for entry in self.files)

    @property
    def envelope_version(self) -> str | None:
        """The pointer of a version beside the records; None if the version is in the documents, or is the delivery."""
        return self.version.removeprefix(ENVELOPE) if self.version.startswith(ENVELOPE) else None

    @property
    def contract_path(self) -> Path:
        """The path of the contract."""
        return CONTRACTS / self.contract

    def pattern_of(self, path: Path, raw_folder: Path) -> FilePattern | None:
        """Return the pattern that a path below the raw folder matches."""
        return self.pattern_for(below_folder(path, raw_folder))

    def pattern_for(self, below: str | None) -> FilePattern | None:
        """Return the pattern that a path matches, given relative to the raw folder; None for a path outside."""
        return next((entry for entry in self.files if entry.matches(below)), None) if below else None

    def days_of(self, path: Path, raw_folder: Path) -> Days | None:
        """Return the days that a file's name means; None if the first pattern that it matches captures no date."""
        entry = self.pattern_of(path, raw_folder)
        return entry.days(below_folder(path, raw_folder) or "") if entry else None

    def default_files(self, raw_folder: Path) -> list[Path]:
        """Return the files below the raw folder that match a pattern, in the order of their names."""
        return sorted({path for entry in self.files for path in entry.files(raw_folder)})


def below_folder(given: Path, given_folder: Path) -> str | None:
    """Return a path relative to a folder, following links into it; None if the path is outside."""
    path, folder = os.path.abspath(given), str(given_folder)
    if not path.startswith(f"{folder}/"):
        real = os.path.realpath(path) if os.path.islink(path) else None
        path, folder = real or f"{_real(os.path.dirname(path))}/{os.path.basename(path)}", _real(folder)
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None


@cache
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def read_source(name: str) -> Source:
    """Read one declaration.

    Raises:
        SourceUnknown: the source is not declared.
        SourceBroken: the declaration is invalid.
    """
    path = SOURCES / f"{name}.yml"
    if name not in source_names():
        remedy = f"add loader/sources/{path.name} to declare another one"
        if "/" in name or Path(name).exists():
            remedy = f"name the source before {name}"
        elif path.with_suffix(".yaml").exists():
            remedy = f"rename loader/sources/{name}.yaml to {path.name}"
        elif reason := no_source():
            raise SourceUnknown(f"no source {name!r}: {reason}")
        declared = f"the declared sources are {', '.join(source_names())}" if source_names() else "none is declared"
        raise SourceUnknown(f"no source {name!r}: {declared}; {remedy}")
    source = read_declared(path, Source, SourceBroken)
    if source.source != name:
        raise SourceBroken(f"loader/sources/{path.name} declares {source.source!r}: name the file after its source")
    return source


def no_source() -> str | None:
    """Return the line that says what to type in a project that declares no source; None if it declares one."""
    return None if source_names() else f"no source is declared: `{shown_command('new NAME FILE')}` models your own JSON"


def pattern_as(source: Source, path: Path, default: FilePattern, raw_folder: Path) -> FilePattern:
    """Return the declared pattern of a file if it has the layout of the default, else the default."""
    declared = source.pattern_of(path, raw_folder)
    return declared if declared and declared.layout == default.layout else default


def default_pattern(source: Source, layout: Layout) -> FilePattern:
    """Return how to read a file by a layout that the source does not declare for it.

    Records without a declared pointer are under the source's name.
    """
    if layout != "records":
        return FilePattern(pattern="*", layout=layout)
    records_at = next((entry.records_at for entry in source.files if entry.records_at), f"/{source.source}")
    return FilePattern(pattern="*", layout=layout, records_at=records_at)


def source_names() -> list[str]:
    """Return the names of the declared sources in order."""
    return sorted(path.stem for path in SOURCES.glob("*.yml"))
