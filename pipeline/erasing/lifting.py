"""Lets documents with erased keys land again: `waybill erase --lift`."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from loader.erasing.erase import lift
from loader.erasing.secret import key_hash, read_secret
from loader.errors import EraseRefused
from pipeline.backups.erasure_log import LoggedLift
from pipeline.erasing.asked import MAX_NAMED, Asked
from pipeline.erasing.finishing.backup_logs import log_in_backups
from warehouse.connection import connect
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run
from waybill.settings import get_settings


def lift_bars(asked: Asked) -> tuple[int, list[str]]:
    """Let the keys land again; return how many were barred, and a sentence for each folder of backups without it.

    Raises:
        EraseRefused: conditions are given, a key is not barred, or the secret is another one; nothing was lifted.
    """
    if asked.where:
        raise EraseRefused("--where cannot find what is erased: give the keys to lift")
    keys, secret, source = asked.all_keys(), read_secret(get_settings()), asked.source
    if secret is None:
        raise EraseRefused(f"no key of {source} is barred: this clone has no secret of erasures")
    hashes = {key_hash(secret, source, key): key for key in keys}
    command = f"erase --lift {source}"
    with only_run(command, waits=True), recorded_run(command), closing(connect("keeper")) as keeper:
        lifted = lift(keeper, source, hashes, secret)
        if not lifted:
            named = ", ".join(sorted(keys)[:MAX_NAMED])
            raise EraseRefused(f"no erasure of {source} has barred {named}; nothing was lifted")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = LoggedLift([one.hex() for one in sorted(lifted)], source, now)
        _, problems, _ = log_in_backups(entry)
    return len(lifted), problems
