"""The two receivers of alerts: a webhook and a command of the user's. Both get JSON, and a time in which to take it."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from waybill.settings import Settings

POST_SECONDS = 5.0
COMMAND_SECONDS = 30.0
Receiver = Callable[[bytes], None]


class NotReceived(Exception):
    """Raised when a receiver did not take the alerts. The text says why, without its address or its answer."""


def receivers(settings: Settings) -> dict[str, Receiver]:
    """Return name → what sends a JSON document there; empty if the settings name no receiver.

    The name of another address or command is another one: it has got nothing yet.
    """
    found: dict[str, Receiver] = {}
    if settings.waybill_alert_url:
        url = settings.waybill_alert_url.get_secret_value()
        found[_name("webhook", url)] = lambda content: post(url, content)
    if settings.waybill_alert_command:
        command = settings.waybill_alert_command
        found[_name("command", command)] = lambda content: hand_over(command, content)
    return found


def _name(kind: str, target: str) -> str:
    """Return the name of a receiver, without its address, which may hold a password."""
    return f"{kind} {hashlib.sha256(target.encode()).hexdigest()[:16]}"


def post(url: str, content: bytes) -> None:
    """Post a JSON document; wait at most POST_SECONDS for an answer, whatever the server does meanwhile.

    A redirect is not followed: it would send the alerts to an address that nobody has set.

    Raises:
        NotReceived: no answer in time, or not an answer of success. The message names only the host.
    """
    outcome: list[str] = []
    sender = threading.Thread(target=lambda: outcome.append(_try_to_post(url, content)), daemon=True)
    sender.start()
    sender.join(POST_SECONDS)
    problem = outcome[0] if outcome else f"no answer within {POST_SECONDS:g} s"
    if problem:
        raise NotReceived(f"the webhook at {urlsplit(url).hostname} (WAYBILL_ALERT_URL): {problem}")


def hand_over(command: str, content: bytes) -> None:
    """Run a command with a JSON document on its standard input. What it writes to standard error is shown.

    It is split like a shell's words, but no shell runs it. After COMMAND_SECONDS it is killed with its children.

    Raises:
        NotReceived: it cannot be run, exits with another code than 0, or takes too long.
    """
    named = "the command of WAYBILL_ALERT_COMMAND"
    try:
        words = shlex.split(command)
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    except (OSError, ValueError) as error:
        raise NotReceived(f"{named} cannot be run: {getattr(error, 'strerror', None) or error}") from None
    try:
        process.communicate(content, timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotReceived(f"{named} did not end within {COMMAND_SECONDS:g} s and was killed") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise NotReceived(f"{named} ended with exit code {process.returncode}")


def _try_to_post(url: str, content: bytes) -> str:
    """Return why the document was not received; empty if it was."""
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})  # noqa: S310
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=POST_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}{_phrase(error.code)}"
    except TimeoutError:
        return f"no answer within {POST_SECONDS:g} s"
    except Exception as error:  # http.client, ssl and socket have many; none may show the address
        reason = getattr(error, "reason", error)
        return getattr(reason, "strerror", None) or type(reason).__name__


def _phrase(code: int) -> str:
    return f" {HTTPStatus(code).phrase}" if code in HTTPStatus.__members__.values() else ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        """Follow no redirect."""
