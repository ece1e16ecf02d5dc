"""Does erasures again that were made after the backup, by the log beside it, so that nothing erased comes back.

The log has keys as hashes with a secret that is in no backup; without it, nobody could recognise the documents.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from uuid import UUID

from loader.declarations import read_source, source_names
from loader.erasing.erase import Order, lift, record, unfinished
from loader.erasing.finding import find
from loader.erasing.secret import read_secret, require_secret, secret_file
from loader.erasing.wanted import Wanted
from pipeline.backups.erasure_log import Entry, LoggedErasure, read_log
from pipeline.backups.errors import BackupRefused
from pipeline.backups.folders import ERASURES, PROJECT_FILES
from pipeline.backups.manifest import Manifest
from warehouse.connection import connect, cursor_of
from waybill.settings import get_settings, relative_name

KNOWN = "select erasure_id::text from ledger.erasures"


@dataclass(frozen=True)
class ErasedSince:
    """What was erased and lifted after a backup was made, in order, and the secret that the hashes were made with."""

    entries: Sequence[Entry]
    secret: bytes | None

    @property
    def erasures(self) -> list[LoggedErasure]:
        """The erasures, without the lifts."""
        return [entry for entry in self.entries if isinstance(entry, LoggedErasure)]


def read_erased_since(log: Path | None, manifest: Manifest, *, writes_files: bool = True) -> ErasedSince:
    """Read the log and check the secret, before anything is changed; without a log (None), nothing is erased again.

    `writes_files` says whether the restore writes the declarations of the backup that are missing here.

    Raises:
        BackupRefused: there is no log where it should be, or a source in it is not declared.
        BackupBroken: the log is damaged.
        EraseRefused: the secret is missing, or is another one.
    """
    if log is None:
        return ErasedSince([], None)
    if not log.is_file():
        raise BackupRefused(
            f"{relative_name(log)} is missing, which says what was erased after the backup was made and must not come "
            "back: name it with --erasures FILE, or add --no-erasures if nothing was erased; nothing was changed"
        )
    entries = [entry for entry in read_log(log) if _at(entry) > datetime.fromisoformat(manifest.made_at)]
    secret = read_secret(get_settings()) if entries else None
    declared = set(source_names()) | (_declared_in(manifest) if writes_files else set())
    for entry in entries:
        if isinstance(entry, LoggedErasure):
            _require_secret(secret, entry, log)
            _require_declared(declared, entry, log)
    return ErasedSince(entries, secret)


def beside(backup: Path) -> Path:
    """Return the log beside a backup."""
    return backup.parent / ERASURES


def erase_again(since: ErasedSince, run_id: UUID) -> None:
    """Erase the documents of the log in raw tables and ledger, and bar or lift keys, in the order of the log.

    What makes them complete follows in `pipeline/erasing`.

    Raises:
        SourceUnknown: a source is not declared any more.
    """
    with cursor_of("keeper") as cursor:
        cursor.execute(KNOWN)
        known = {erasure_id for (erasure_id,) in cursor.fetchall()}
    for entry in since.entries:
        if not isinstance(entry, LoggedErasure):
            with closing(connect("keeper")) as keeper:
                lift(keeper, entry.source, _hashes(entry.lifts), since.secret)
        elif entry.erasure_id not in known:
            _erase(entry, since.secret, run_id)


def has_unfinished() -> bool:
    """Return whether an erasure is to be completed: one of the log, or one that was incomplete in the backup."""
    with closing(connect("keeper")) as keeper:
        return bool(unfinished(keeper))


def _erase(entry: LoggedErasure, secret: bytes | None, run_id: UUID) -> None:
    key_types = [(pointer, kind) for pointer, kind in entry.key_types or []]
    positions = frozenset((batch_id, position) for batch_id, position in entry.positions)
    source, hashes = read_source(entry.source), _hashes(entry.key_hashes)
    wanted = Wanted(source, key_types, hashes=hashes, positions=positions, secret=secret)
    with closing(connect("reader")) as reader:
        found = find(reader, wanted)
    order = Order(run_id, entry.models, UUID(entry.erasure_id), datetime.fromisoformat(entry.erased_at))
    with closing(connect("keeper")) as keeper:
        record(keeper, found, order)


def _require_secret(secret: bytes | None, entry: LoggedErasure, log: Path) -> None:
    if secret is None:
        raise BackupRefused(
            f"{relative_name(log)} has erasures that were made after the backup, and no backup holds the secret that "
            "they need: set WAYBILL_ERASURE_SECRET, or bring back "
            f"{relative_name(secret_file(get_settings()))}; nothing was changed"
        )
    require_secret(secret, entry.source, entry.erasure_id, bytes.fromhex(entry.secret_check))


def _require_declared(declared: Collection[str], entry: LoggedErasure, log: Path) -> None:
    if entry.source not in declared:
        raise BackupRefused(
            f"{relative_name(log)} has an erasure of {entry.source} that was made after the backup, and the source is "
            f"not declared here: bring loader/sources/{entry.source}.yml back; nothing was changed"
        )


def _declared_in(manifest: Manifest) -> set[str]:
    names = map(PurePosixPath, manifest.files)
    return {name.stem for name in names if name.match(f"{PROJECT_FILES}/loader/sources/*.yml")}


def _at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.erased_at if isinstance(entry, LoggedErasure) else entry.lifted_at)


def _hashes(texts: Collection[str]) -> frozenset[bytes]:
    return frozenset(map(bytes.fromhex, texts))
