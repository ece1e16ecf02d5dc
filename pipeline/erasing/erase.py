"""Erases documents by key: finds them, erases them in one transaction, and takes that to everything made of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from loader.erasing.erase import Order, Unfinished, record, replace_policy, unfinished
from loader.erasing.wanted import Found
from loader.errors import EraseRefused
from ml.erasing.report import Policy
from pipeline.dbt.sources_yml import require_current
from pipeline.erasing.asked import Asked, find_asked, read_wanted, without_key_lines
from pipeline.erasing.finishing.backup_logs import update_logs
from pipeline.erasing.finishing.coordinates import list_coordinates
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.finishing.steps import finish
from pipeline.erasing.key_types import find_key_types
from pipeline.erasing.lineage import Lineage, read_lineage
from pipeline.errors import EraseIncomplete, LogsOutdated, NotRetrained
from warehouse.connection import connect, cursor_of
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run
from waybill.cli import shown_command
from waybill.ctrl_c import said_if_interrupted
from waybill.settings import get_settings

logger = logging.getLogger(__name__)

BARS = "select key_hash from ledger.barred_keys where erasure_id = %s"


@dataclass
class Complete:
    """A completed erasure: its certificate, where the documents came from, and files of others that hold a key."""

    recorded: Unfinished
    certificate: Path
    left_to_others: list[str]
    remarks: list[str]
    files: list[Path] = field(default_factory=list)

    def coordinates(self) -> Iterator[str]:
        """Yield the coordinates of the documents, in files and topics, which are not Waybill's to change."""
        return list_coordinates(self.recorded.erasure_id)


def find_to_erase(asked: Asked, *, makes_secret: bool) -> tuple[Found, Lineage]:
    """Find what would be erased, and what is made from it, without changing anything.

    Raises:
        EraseRefused: nothing or something unknown is asked for, or a table keeps what is gone.
    """
    wanted = read_wanted(asked, makes_secret=makes_secret)
    require_current()
    lineage = read_lineage()
    refuse_snapshots(lineage, wanted.name)
    key_types = find_key_types(wanted.source, lineage.nodes, lineage.macros)
    return find_asked(replace(wanted, key_types=key_types)), lineage


def refuse_snapshots(lineage: Lineage, source: str) -> None:
    """Raise EraseRefused if something is made from a source from which no run can remove a row."""
    refused = lineage.downstream(source).refused
    if refused:
        names = ", ".join(f"{relation} ({relation.kind})" for relation in refused)
        raise EraseRefused(
            f"{names} would keep what is erased, and no run can remove it; nothing was erased: take it out of the "
            "project and drop its table first"
        )


def erase(asked: Asked | None, policy: Policy | None = None) -> Iterator[Complete]:
    """Complete the erasures that were interrupted, then erase what is asked for; yield each when it is complete.

    Waits for a run, an undo or another erase to end. Loaders and consumers continue: what they land with a
    barred key is not stored. One that cannot be completed does not keep the next ones from being tried. At the end, the
    logs of all known backups are brought up to date, also those that an earlier erase could not reach.

    `policy` says what becomes of models, None that the settings do. It replaces the policy of an interrupted erasure
    whose keys are given again, and of all of them if nothing new is asked for.

    Raises:
        EraseRefused: nothing was erased.
        EraseIncomplete: something could not be completed; the next call continues it.
        NotRetrained: only new models could not be trained.
        LogsOutdated: all is complete, but the log of a folder of backups could not be written.
    """
    before = _number_of_erasures()
    found, lineage = find_to_erase(asked, makes_secret=True) if asked else (None, read_lineage())
    command = f"erase {asked.source}" if asked else "erase"
    with only_run(command, waits=True):
        if found is not None and _number_of_erasures() != before:  # another command may have erased the same
            found = find_asked(found.wanted)  # not in the run, which records errors: they can name keys
        with recorded_run(command) as run_id:
            failed: list[EraseIncomplete] = []
            for erasing in _to_finish(found, lineage, run_id, policy):
                if failed:
                    logger.warning("%s", failed[-1])
                try:
                    yield _finish(erasing)
                except EraseIncomplete as error:
                    failed.append(error)
            _raise_first(failed, update_logs())


def _to_finish(found: Found | None, lineage: Lineage, run_id: UUID, policy: Policy | None) -> Iterator[Erasing]:
    """Yield the interrupted erasures, then record and yield the new one, if there is something to erase."""
    for recorded in _unfinished():
        keys, is_same = _given_again(found, recorded)
        if policy and (found is None or is_same):
            with closing(connect("keeper")) as keeper:
                replace_policy(keeper, recorded.erasure_id, policy)
            recorded = replace(recorded, models=policy)
        yield Erasing(recorded, lineage, keys=keys)
    if found is not None and not found.is_empty:
        recorded = _record(found, run_id, policy or get_settings().waybill_erased_models)
        yield Erasing(recorded, lineage, keys=_spellings(found), remarks=list(_remarks(found)))


def _raise_first(failed: list[EraseIncomplete], outdated: list[str]) -> None:
    if failed:
        for problem in outdated:
            logger.warning("%s", problem)
        # with new models missing, most is done
        raise next((one for one in failed if not isinstance(one, NotRetrained)), failed[-1])
    if outdated:
        raise LogsOutdated("; ".join(outdated))


def _number_of_erasures() -> int:
    with cursor_of("keeper") as cursor:
        cursor.execute("select count(*) from ledger.erasures")
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def _remarks(found: Found) -> Iterator[str]:
    """Yield what only the user can decide."""
    yield from without_key_lines(found)
    for reject in found.perhaps:
        yield f"{reject.coordinate} {reject.doubt}"
    if found.other_sources:
        others = ", ".join(found.other_sources)
        yield f"documents of {others} have the same key, and stay: erase them by their own source"


def _spellings(found: Found) -> dict[str, tuple[str, ...]]:
    """Return each key, and the values that it was joined from as they were delivered."""
    delivered = {"-".join(parts): parts for parts in found.parts if len(parts) > 1}
    return dict.fromkeys(sorted(found.keys), ()) | delivered


def _given_again(found: Found | None, recorded: Unfinished) -> tuple[dict[str, tuple[str, ...]], bool]:
    """Return the keys of an interrupted erasure that the user gives again, which nothing else remembers; if all are."""
    if found is None or found.wanted.name != recorded.source:
        return {}, False
    with cursor_of("keeper") as cursor:
        cursor.execute(BARS, [recorded.erasure_id])
        bars = {bytes(one) for (one,) in cursor.fetchall()}
    given: dict[str, tuple[str, ...]] = {key: () for key in sorted(found.wanted.keys) if found.wanted.hash(key) in bars}
    return given, bool(bars) and bars == set(map(found.wanted.hash, given))


def _unfinished() -> list[Unfinished]:
    with closing(connect("keeper")) as keeper:
        return unfinished(keeper)


def _record(found: Found, run_id: UUID, policy: Policy) -> Unfinished:
    """Erase the documents from the raw table and the rejects."""
    order = Order(run_id, policy)
    with closing(connect("keeper")) as keeper:
        record(keeper, found, order)
    return next(one for one in _unfinished() if one.erasure_id == str(order.erasure_id))


def _finish(erasing: Erasing) -> Complete:
    with said_if_interrupted(f"interrupted: the erasure is not complete; `{shown_command('erase')}` completes it"):
        certificate = finish(erasing)
    return Complete(erasing.recorded, certificate, erasing.left_to_others, erasing.remarks, erasing.files)
