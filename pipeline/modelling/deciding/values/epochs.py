"""Proposes times for numbers that look like seconds or milliseconds since 1970. Only a flag applies them."""

from __future__ import annotations

import re

from pipeline.modelling.deciding.naming.names import joined_name
from pipeline.modelling.deciding.structure.drafts import DraftColumn
from pipeline.modelling.design import Decision

TIME_NAME = re.compile(
    r".*(time|date|epoch|created|updated|modified|changed|stamp|since|until|expir|start|end|seen|birth|added|login).*"
    r"|(.*_)?(at|on|ts|t)"
)
SECONDS = (315_532_800, 4_102_444_800)  # 1980 to 2100


def epoch_hint(column: DraftColumn) -> Decision | None:
    """Return a proposal for a column of numbers in the range of the years 1980 to 2100 that is named like a time."""
    numbers = column.node.numbers
    if column.type not in ("integer", "bigint", "numeric", "double precision") or column.wrapper:
        return None
    if numbers.lowest is None or numbers.highest is None or not TIME_NAME.fullmatch(joined_name(column.pointer[-1:])):
        return None
    for type_, scale in (("epoch_seconds", 1), ("epoch_milliseconds", 1000)):
        if SECONDS[0] * scale <= numbers.lowest and numbers.highest < SECONDS[1] * scale:
            path = column.path_text
            what = type_.removeprefix("epoch_")
            evidence = f"all {numbers.count:,} numbers would be {what} of the years 1980 to 2100"
            return Decision(path, f"kept as {column.type}", evidence, f"--type {path}={type_}")
    return None
