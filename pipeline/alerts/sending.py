"""Sends each receiver what is new, changed or resolved since it last got something."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from pipeline.alerts.alert import Found
from pipeline.alerts.memory import News, after_sending, memory_path, news_for, read_sent, write_sent
from pipeline.alerts.receivers import NotReceived, receivers
from waybill.file_lock import file_lock
from waybill.settings import Settings, get_settings

logger = logging.getLogger(__name__)


def send(found: Found) -> None:
    """Send the news to each receiver that the settings name; two commands that do so take turns.

    1. Compare with what the receiver got, 2. send, 3. remember it. A receiver that did not take the news is a warning,
    and gets it with the next check. If the process is killed between 2 and 3, it gets the news twice.
    """
    settings = get_settings()
    named = receivers(settings)
    if not named:
        return
    path = memory_path(settings)
    try:
        with file_lock(path.with_suffix(".lock"), "waiting for another command that sends alerts"):
            sent = read_sent(path)
            for name, receive in named.items():
                news = news_for(sent.get(name, {}), found)  # 1.
                try:
                    if news:
                        receive(json.dumps(as_message(news, found, settings)).encode())  # 2.
                except NotReceived as error:
                    logger.warning("alerts were not sent, the next check sends them: %s", error)
                    continue
                sent[name] = after_sending(sent.get(name, {}), found)
                write_sent(path, sent)  # 3.
    except OSError as error:
        logger.warning("what was sent cannot be remembered in %s: %s", path, error.strerror or error)


def as_message(news: News, found: Found, settings: Settings) -> dict[str, Any]:
    """Return the document that a receiver gets. `text` is for people: chats show it."""
    changes = {"NEW": news.new, "CHANGED": news.changed, "RESOLVED": news.resolved}
    lines = [
        f"{word} {one['rule']} {one['name']}: {one['message']}: {one['command']}"
        for word, alerts in changes.items()
        for one in alerts
    ]
    return {
        "text": "\n".join(lines),
        "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": settings.pgdatabase,
        "new": news.new,
        "changed": news.changed,
        "resolved": news.resolved,
        "open": [alert.as_json() for alert in found.alerts],
    }
