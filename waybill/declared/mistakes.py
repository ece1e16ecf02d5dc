"""Describes what is wrong with declared values, in words of this project instead of pydantic's."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

MAX_NAMED = 3  # mistakes in one message
MAX_CHARACTERS = 60  # of a wrong value
UNQUOTED = (bool, int, float, date)  # what YAML makes of yes, 1 or 2013-01-01

# Type of pydantic's error, without what follows the first underscore where all of these mean the same → what is wrong.
MEANINGS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field that can be declared",
    "string": "must be text",
    "int": "must be a whole number",
    "float": "must be a number",
    "finite_number": "must be a finite number",
    "bool": "must be true or false",
    "date": "must be a date, such as 2013-10-01",
    "list": "must be a list",
    "tuple": "must be a list",
    "dict": "must be a mapping, with a value for each name",
    "model": "must be a mapping, with a value for each field",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "literal_error": "must be one of {expected}",
    "value_error": "{error}",
}


def describe_mistakes(
    error: ValidationError, model: type[BaseModel], *, name: Callable[[str], str] = str, shows_values: bool = True
) -> str:
    """Return what is wrong with the first wrong fields; with their names as `name` spells them.

    `shows_values=False` quotes no value, because it may be a secret.
    """
    found = [_describe(one, model, name, shows_values) for one in error.errors()]
    more = f", and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return "; ".join(found[:MAX_NAMED]) + more


def _describe(mistake: Any, model: type[BaseModel], name: Callable[[str], str], shows_values: bool) -> str:
    kind = mistake["type"]
    meaning = MEANINGS.get(kind) or MEANINGS.get(kind.partition("_")[0]) or mistake["msg"]
    field = name(".".join(map(str, mistake["loc"]))) or "the file"
    limits = {key: f"{value:g}" if isinstance(value, float) else value for key, value in mistake.get("ctx", {}).items()}
    words = f"{field} {meaning.format(**limits)}"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(mistake["loc"][-1]), _field_names(model), n=1)
        return f"{words}{f': did you mean {near[0]}?' if near else ''}"
    if kind == "missing" or not shows_values or isinstance(mistake["input"], dict):
        return words
    value = repr(mistake["input"])
    remedy = ": write it in quotes" if kind == "string_type" and isinstance(mistake["input"], UNQUOTED) else ""
    return f"{words}, not {value if len(value) <= MAX_CHARACTERS else f'{value[:MAX_CHARACTERS]}…'}{remedy}"


def _field_names(model: type[BaseModel]) -> set[str]:
    """Return the names of a model's fields and of the fields within them."""
    schema = model.model_json_schema()
    return {name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", ())}
