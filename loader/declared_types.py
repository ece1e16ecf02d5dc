"""The types of a declaration's fields. Each mistake is one sentence that says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WrapValidator, model_validator

from loader.file_dates import check_capture
from waybill.json_pointers import POINTER

EVERY_FIELD = "*"  # all fields of a source but key and version
VALUE = "value"  # the key of a source whose documents have none: the value of the document itself
DELIVERY = "delivery"  # the version of a source whose last delivered document is current
ENVELOPE = "envelope:"  # before the pointer of a version that is beside the records of a file, not in each of them
SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
CONTRACT_NAME = re.compile(r"[\w-][\w.-]*")


def _pointer(text: str) -> str:
    if POINTER.fullmatch(text):
        return text
    written = text if text.startswith("/") else f"/{text}"
    if not POINTER.fullmatch(written):
        written = written.replace("~", "~0")
    raise ValueError(f"must be a JSON pointer: write {written}")


def _fields(text: str) -> str:
    return text if text == EVERY_FIELD else _pointer(text)


def _version(text: str) -> str:
    if text == DELIVERY or (text.startswith(ENVELOPE) and POINTER.fullmatch(text.removeprefix(ENVELOPE))):
        return text
    try:
        return _pointer(text)
    except ValueError as error:
        raise ValueError(f"{error}, or {DELIVERY} if the last delivered document is current") from None


def _key(pointers: list[str]) -> list[str]:
    if not pointers:
        raise ValueError(f"must name at least one field, such as /id, or be {VALUE} if documents have no key")
    twice = next((pointer for pointer in pointers if pointers.count(pointer) > 1), None)
    if twice:
        raise ValueError(f"must name each field once: remove the second {twice}")
    return pointers


def _key_or_value(declared: Any, check: Callable[[Any], list[str]]) -> list[str]:
    return [VALUE] if declared in (VALUE, [VALUE]) else check(declared)


def _source_name(text: str) -> str:
    if not SOURCE_NAME.fullmatch(text):
        raise ValueError("must be a name of lower-case letters, digits and underscores, which begins with a letter")
    return text


def _contract_name(text: str) -> str:
    if not CONTRACT_NAME.fullmatch(text):
        raise ValueError("must be the name of a file in loader/contracts, such as hotels.schema.json")
    return text


def _file_pattern(text: str) -> str:
    if not text or text.startswith("/") or ".." in Path(text).parts:
        raise ValueError("must be a path below the raw folder, without `..`, such as hotels/*.ndjson")
    return check_capture(text)


Pointer = Annotated[str, AfterValidator(_pointer)]
Fields = Annotated[str, AfterValidator(_fields)]
Version = Annotated[str, AfterValidator(_version)]
Key = Annotated[list[Pointer], AfterValidator(_key), WrapValidator(_key_or_value)]
SourceName = Annotated[str, AfterValidator(_source_name)]
ContractName = Annotated[str, AfterValidator(_contract_name)]
PathPattern = Annotated[str, AfterValidator(_file_pattern)]


class Withdrawal(BaseModel):
    """The field that shows that a source withdraws a document, the values that mean so, and those that do not.

    `{/status: [withdrawn]}` is short for `{field: /status, values: [withdrawn]}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Pointer
    values: list[str] = Field(min_length=1)
    other_values: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def read_short_form(cls, content: Any) -> Any:
        """Return the long form of a withdrawal that maps one pointer to values."""
        if isinstance(content, dict) and len(content) == 1 and str(next(iter(content))).startswith("/"):
            ((field, values),) = content.items()
            return {"field": field, "values": values}
        return content


class NumberOf(BaseModel):
    """A column that holds the position of an element in its array, such as `/grades/*`, from 1 on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number_of: Pointer


class NameOf(BaseModel):
    """A column that holds the name of a member of a map, such as `/prices/*`, whose names are data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name_of: Pointer


class Members(BaseModel):
    """A jsonb column that holds several values in one object; their names are their pointers from the row's element."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: list[Pointer] = Field(min_length=1)


class Computed(BaseModel):
    """A column that a model computes from the values at these paths, and why counts on both sides may differ."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: list[Pointer] = Field(min_length=1)
    computed: str = Field(min_length=1)


Carried = dict[str, dict[str, Pointer | NumberOf | NameOf | Members | Computed]]  # mart -> column -> what it holds
LeftOut = dict[Pointer, Annotated[str, Field(min_length=1)]]  # path -> reason
