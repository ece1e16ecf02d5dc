"""How a declared task divides its rows: by time, by whole groups, or stratified at random."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Column = Annotated[str, Field(pattern=r"^[^\W\d]\w{0,62}$")]
Share = Annotated[float, Field(gt=0, lt=1)]
Kind = Literal["time", "group", "random"]
BLOCKS: dict[Kind, str] = {"time": "day", "group": "group", "random": "row"}
DEFAULT_SHARE = 0.2  # of the rows, for validation and for test each


class Split(BaseModel):
    """How rows are divided.

    By time: `time_column`, and the first days of validation and of test; all days before are for training. By group:
    `group_column`, whole groups by a hash of the group. Without a column: at random by a hash of the key, each class
    divided in the same proportion.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_column: Column | None = None
    validation_from: date | None = None
    test_from: date | None = None
    group_column: Column | None = None
    validation_share: Share | None = None
    test_share: Share | None = None

    @model_validator(mode="after")
    def is_one_kind(self) -> Split:
        """Raise an error for a split that mixes kinds or leaves a set empty."""
        days, shares = (self.validation_from, self.test_from), (self.validation_share, self.test_share)
        if self.time_column and self.group_column:
            raise ValueError("must name time_column or group_column, not both")
        if self.time_column and None in days:
            raise ValueError("must have validation_from and test_from beside time_column")
        if self.time_column and shares != (None, None):
            raise ValueError("must not have shares beside time_column: the days divide the rows")
        if not self.time_column and days != (None, None):
            raise ValueError("must have time_column beside validation_from and test_from")
        if self.validation_from and self.test_from and self.validation_from >= self.test_from:
            raise ValueError("must have validation_from before test_from")
        if sum(self.shares) >= 1:
            raise ValueError("must leave rows for training: validation_share and test_share add up to less than 1")
        return self

    @property
    def kind(self) -> Kind:
        """By time, by whole groups, or at random."""
        return "time" if self.time_column else "group" if self.group_column else "random"

    @property
    def block(self) -> str:
        """What the bootstrap draws as a whole: a day, a group or a row."""
        return BLOCKS[self.kind]

    @property
    def column(self) -> str | None:
        """The column by which the rows are divided; None at random."""
        return self.time_column or self.group_column

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of validation and of test; they mean nothing for a split by time."""
        return self.validation_share or DEFAULT_SHARE, self.test_share or DEFAULT_SHARE
