"""What an alert is, and what the rules found out together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

# Every rule, the most urgent first. docs/operations.md has a section for each.
RULES = (
    "warehouse_away",
    "disk_nearly_full",
    "run_failed",
    "no_run",
    "books_unbalanced",
    "rejects",
    "source_not_fresh",
    "broker_away",
    "consumer_lag",
    "model_stale",
    "model_drift",
)
Kind = Literal["database", "folder", "stage", "run", "source", "broker", "task"]


@dataclass(frozen=True)
class Alert:
    """One thing that needs attention: the rule, what it is about, what was found, and the command to type next.

    `batch_id` is the batch to blame, None where there is none. `since` is when it began, as far as that is known.
    `cause` changes when the alert is about something new, such as another batch: it is then sent again.
    """

    rule: str
    kind: Kind
    name: str
    message: str
    command: str
    batch_id: str | None = None
    since: datetime | None = None
    cause: str = ""

    @property
    def identity(self) -> str:
        """What stays the same for as long as the alert lasts."""
        return f"{self.rule} {self.kind} {self.name}"

    def __str__(self) -> str:
        """Return the alert in one line."""
        batch = f" (batch {self.batch_id})" if self.batch_id else ""
        return f"{self.rule} {self.name}: {self.message}{batch}: `{self.command}`"

    def as_json(self) -> dict[str, Any]:
        """Return the alert as JSON, for `waybill check --json` and for receivers."""
        return {
            "rule": self.rule,
            "kind": self.kind,
            "name": self.name,
            "message": self.message,
            "batch_id": self.batch_id,
            "since": self.since.isoformat(timespec="seconds") if self.since else None,
            "command": self.command,
        }


@dataclass(frozen=True)
class Found:
    """The alerts of some rules, and rule → why it could not be judged now: its earlier alerts are not resolved.

    `broken` names those of them that failed: something must be corrected first. `refusal` is why the warehouse could
    not be read.
    """

    alerts: list[Alert] = field(default_factory=list)
    not_judged: Mapping[str, str] = field(default_factory=dict)
    broken: Collection[str] = ()
    refusal: Exception | None = None


def unjudged(rules: Iterable[str], reason: str) -> Found:
    """Return that none of these rules could be judged, and why."""
    return Found(not_judged=dict.fromkeys(rules, reason))


def together(found: Collection[Found]) -> Found:
    """Return all that was found, the most urgent alert first."""
    alerts = [alert for one in found for alert in one.alerts]
    not_judged = {rule: reason for one in found for rule, reason in one.not_judged.items()}
    alerts.sort(key=lambda alert: (RULES.index(alert.rule), alert.name))
    broken = [rule for one in found for rule in one.broken]
    return Found(alerts, not_judged, broken, next((one.refusal for one in found if one.refusal), None))
