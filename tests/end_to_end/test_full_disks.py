"""A full disk ends an erase or a restore with one line, and the same command completes when there is room."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.support.clones import make_clone, run_in
from warehouse.server_paths import SYSTEM_HOME
from waybill.cli import TRY_AGAIN

pytestmark = [pytest.mark.server, pytest.mark.slow]

GUESTS = 4_000
# MB that are free: too few to rewrite a table, or for a segment of the write-ahead log, without which the server stops.
ROOMS = (1, 8)
FULL = SYSTEM_HOME / "full"
SCRIPT = f"""
mount -t tmpfs -o size=400m tmpfs {SYSTEM_HOME} || exit 9
waybill() {{ .venv/bin/waybill "$@" >> out; }}
cramped() {{  # COMMAND…: run it on a disk that is almost full, then with room, until it succeeds
    complete=
    for room in {" ".join(map(str, ROOMS))}; do
        dd if=/dev/zero of={FULL} bs=64k 2> dd; truncate -s -"$room"M {FULL}
        [ "$complete" ] || waybill "$@" 2> "$1-$room"; code=$?; rm {FULL}
        [ $code = 0 ] && complete=yes
        echo "$code $(grep -v WARNING "$1-$room")"
    done
    [ "$complete" ] || waybill "$@" && echo "$1 completed"
}}
waybill new guests guests.ndjson --key /guest_id --version /updated_at && waybill load guests guests.ndjson &&
waybill dbt build --select tag:guests && waybill backup backups || exit 9
cramped erase guests G-7
waybill reset --yes waybill
cramped restore backups
.venv/bin/waybill psql -At -c "select count(*) from marts.fct_guests" -c "
    select landed, erased, is_balanced from ledger.books where source = 'guests'" -c "
    select count(*), count(completed_at) from ledger.erasures"
.venv/bin/python -m warehouse remove --yes waybill >> out
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_erase_and_restore_complete_after_a_full_disk(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "full")
    guests = [{"guest_id": f"G-{number}", "note": "x" * 200, "updated_at": "2026-01-10"} for number in range(GUESTS)]
    (clone / "guests.ndjson").write_text("\n".join(map(json.dumps, guests)))
    ran = run_in(clone, "unshare", "-m", "sh", "-c", SCRIPT, timeout=1000)
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    for command in ("erase", "restore"):
        first, second, complete = lines[:3]
        assert not first.startswith("0 ") and complete == f"{command} completed", lines
        for line in (first, second):
            assert re.fullmatch(f"0 |({TRY_AGAIN}|1) error: .*", line), line
        lines = lines[3:]
    assert lines == [str(GUESTS - 1), f"{GUESTS}|1|t", "1|1"]
