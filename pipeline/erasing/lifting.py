"""Lets documents with erased keys land again: `waybill erase --lift`."""

from __future__ import annotations

from contextlib import closing

from loader.erasing.erase import barred, lift
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
    if not asked.keys and not asked.keys_file:
        raise EraseRefused(f"no key to lift is named: give keys of {asked.source}, or --keys FILE")
    keys, secret, source = asked.all_keys(), read_secret(get_settings()), asked.source
    if secret is None:
        raise EraseRefused(f"no key of {source} is barred: this clone has no secret of erasures")
    hashes = {key_hash(secret, source, key): key for key in sorted(keys)}
    command = f"erase --lift {source}"
    with only_run(command, waits=True), closing(connect("keeper")) as keeper:
        known, now = barred(keeper, source, hashes, secret)
        if unknown := [key for one, key in hashes.items() if one not in known]:  # not in the run: it records errors
            named = ", ".join(unknown[:MAX_NAMED])
            raise EraseRefused(f"no erasure of {source} has barred {named}; nothing was lifted")
        with recorded_run(command):
            # The log comes first: after a kill in between, the keys are still barred, and the same command completes.
            _, problems, _ = log_in_backups(LoggedLift([one.hex() for one in sorted(known)], source, now))
            lifted = lift(keeper, source, known, secret)
    return len(lifted), [f"{problem}: a restore of its backups may bar the keys again" for problem in problems]
