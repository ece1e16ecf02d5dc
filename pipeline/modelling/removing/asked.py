"""What the user asked for, besides what is to be removed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """The options of `waybill remove`; `confirmed` is the database that the user has named as a confirmation."""

    drops: bool = False
    reason: str | None = None
    is_dry_run: bool = False
    is_forced: bool = False
    confirmed: str | None = None
