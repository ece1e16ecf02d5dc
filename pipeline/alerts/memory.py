"""Remembers which alerts each receiver has got, so that a lasting alert is sent once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.alerts.alert import Alert, Found
from waybill.atomic_files import write_private
from waybill.settings import Settings

Sent = dict[str, dict[str, Any]]  # identity of an alert → what was sent of it, with its cause


@dataclass(frozen=True)
class News:
    """What a receiver does not know yet. A resolved alert has the words in which it was sent."""

    new: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    resolved: list[dict[str, Any]]

    def __bool__(self) -> bool:
        """Return whether there is anything to send."""
        return bool(self.new or self.changed or self.resolved)


def memory_path(settings: Settings) -> Path:
    """Return the file in the state folder that holds what was sent about this database."""
    return settings.state_folder / f"alerts-{settings.pgdatabase}.json"


def read_sent(path: Path) -> dict[str, Sent]:
    """Return receiver → what it got; nothing before the first alert, or if the file cannot be read: then all is new."""
    try:
        found: dict[str, Sent] = json.loads(path.read_text(encoding="utf-8"))
        return {receiver: {key: dict(entry) for key, entry in sent.items()} for receiver, sent in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_sent(path: Path, sent: dict[str, Sent]) -> None:
    """Replace what was sent, atomically; only the owner can read the file."""
    write_private(path, json.dumps(sent, indent=1))


def news_for(sent: Sent, found: Found) -> News:
    """Compare what was found with what a receiver knows.

    An alert is changed if its cause is: numbers and times in its message are not news. An alert of a rule that could
    not be judged stays open.
    """
    now = {alert.identity: alert for alert in found.alerts}
    new = [alert.as_json() for key, alert in now.items() if key not in sent]
    changed = [alert.as_json() for key, alert in now.items() if key in sent and sent[key].get("cause") != alert.cause]
    gone = [entry for key, entry in sent.items() if key not in now and entry.get("rule") not in found.not_judged]
    return News(new, changed, [_without_cause(entry) for entry in gone])


def after_sending(sent: Sent, found: Found) -> Sent:
    """Return what a receiver knows after it has got the news."""
    kept = {key: entry for key, entry in sent.items() if entry.get("rule") in found.not_judged}
    return {**kept, **{alert.identity: _with_cause(alert) for alert in found.alerts}}


def _with_cause(alert: Alert) -> dict[str, Any]:
    return {**alert.as_json(), "cause": alert.cause}


def _without_cause(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "cause"}
