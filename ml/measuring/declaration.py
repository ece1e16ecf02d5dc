"""What a task may declare about its figures: what a mistake costs, and for which parts of the rows they are shown."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ml.split import Column

MAX_RATIO = 1e6  # of the prices of two mistakes, beyond which the more expensive one is never made
MAX_NAME = 60
Price = Annotated[float, Field(strict=True, gt=0, le=1e12, allow_inf_nan=False)]
Width = Annotated[float, Field(strict=True, ge=1e-9, le=1e15, allow_inf_nan=False)]


class Cost(BaseModel):
    """What a row costs that is predicted positive by mistake, and one that is predicted negative by mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    false_positive: Price
    false_negative: Price

    @model_validator(mode="after")
    def is_comparable(self) -> Cost:
        """Raise an error for two prices of which one is nothing beside the other."""
        low, high = sorted((self.false_positive, self.false_negative))
        if high > low * MAX_RATIO:
            raise ValueError(f"has prices of {low:g} and {high:g}: the larger may be {MAX_RATIO:,.0f} times the other")
        return self


class Slice(BaseModel):
    """A column by whose values the test rows are measured in parts; a number is cut into ranges of a width."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Column
    width: Width | None = None
    name: str | None = Field(default=None, min_length=1, max_length=MAX_NAME)

    @property
    def shown(self) -> str:
        """What the slice is called."""
        return self.name or self.column


def _as_slice(value: Any) -> Any:
    """Return the slice of a column that only its name declares."""
    return {"column": value} if isinstance(value, str) else value


AnySlice = Annotated[Slice, BeforeValidator(_as_slice)]


def mistake_in_groups(groups: dict[str, list[str]], features: list[str]) -> str | None:
    """Return what is wrong with groups of features: a bad name, an unknown feature, or one in two groups."""
    for name in groups:
        if not name.strip() or len(name) > MAX_NAME:
            short = name if len(name) <= MAX_NAME else f"{name[:20]}…"
            return f"names a group {short!r} in feature_groups: a name has 1 to {MAX_NAME} characters"
    named = [name for group in groups.values() for name in group]
    unknown = [name for name in named if name not in features]
    twice = sorted({name for name in named if named.count(name) > 1})
    if unknown:
        return f"names {', '.join(unknown)} in feature_groups, which is not a feature"
    return f"names {', '.join(twice)} more than once in feature_groups" if twice else None


def mistake_in_slices(slices: list[Slice], categorical: list[str], numeric: list[str], time: str | None) -> str | None:
    """Return what is wrong with slices: one twice, a column that is no feature or time, a width of no number."""
    names = [one.shown for one in slices]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        return f"has the slice {', '.join(twice)} more than once: leave one out, or give it another name"
    for one in slices:
        if one.column not in (*categorical, *numeric, time):
            return f"names {one.column} in slices, which is neither a feature nor the split's time_column"
        if (one.width is None) == (one.column in numeric):
            needs = "needs a width, because it is a number" if one.width is None else "has a width, but is not a number"
            return f"names {one.column} in slices, which {needs}"
    return None


def mistake_in_blend(weights: dict[str, Any], candidates: list[str]) -> str | None:
    """Return what is wrong with a blend: its weights are not positive numbers of at least two other candidates."""
    unknown = [name for name in weights if name not in candidates or name == "blend"]
    if unknown:
        return f"has a blend of {', '.join(unknown)}, which is not another candidate"
    if len(weights) < 2:
        return "has a blend of fewer than two candidates"
    if any(isinstance(one, bool) or not isinstance(one, int | float) or not 0 < one < 1e6 for one in weights.values()):
        return "has a blend with a weight that is not a positive number"
    return None
