"""Reads why libpq could not connect, and whether the reason may pass."""

from __future__ import annotations

import re

from warehouse.errors import ServerAway, ServerBusy, ServerUnreachable

# Words in refusals that every retry would get, too. Any other refusal, such as one in another language, may pass.
PERMANENT = re.compile(
    "authentication|password|pg_hba|does not exist|permission denied|not permitted|not support|certificate|invalid|"
    "unsupported|unrecognized|required|requirement"
)
# The server is running: it has no connection left, is starting, recovering or stopping.
BUSY = re.compile(
    "too many clients|too many connections|connection slots|starting up|shutting down|recovery mode|"
    "not yet accepting connections"
)
QUOTED_NAME = re.compile('"[^"]*"')  # names of hosts, databases and logins, which could contain such a word
TRIED = "connection to server "
NAME_NOT_FOUND = "could not translate host name"


def reason_of(error: Exception) -> str:
    """Return libpq's reason in one line: that of the last address that it tried."""
    tried = [line for line in str(error).splitlines() if line.startswith(TRIED)]
    if tried:
        return tried[-1].partition(" failed: ")[2]
    return str(error).strip().partition("\n")[0] or "it gave no reason"


def class_of(error: Exception) -> type[ServerUnreachable]:
    """Return the class that a failed connection is raised as."""
    text = QUOTED_NAME.sub("", str(error)).strip()
    reason = QUOTED_NAME.sub("", reason_of(error))
    if BUSY.search(reason):
        return ServerBusy
    reached_nothing = text != "" and TRIED not in text and NAME_NOT_FOUND not in text  # libpq refuses a setting itself
    return ServerUnreachable if reached_nothing or PERMANENT.search(reason) else ServerAway
