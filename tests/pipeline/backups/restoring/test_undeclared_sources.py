"""An erasure in the log of a source that nobody declares is refused before the restore changes anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loader.erasing.secret import key_hash, make_secret, secret_check
from pipeline.backups.erasure_log import LoggedErasure, append, begin_log
from pipeline.backups.errors import BackupRefused
from pipeline.backups.manifest import FileSum
from pipeline.backups.restoring.erasures import read_erased_since
from tests.pipeline.backups.test_verifying import EMPTY
from waybill.settings import get_settings

ERASURE = "01a22c0a-f583-78f7-823c-5c318aabf79c"


def test_an_erasure_of_an_undeclared_source_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path / "state"))
    secret = make_secret(get_settings())
    hashes, check = [key_hash(secret, "cafes", "1").hex()], secret_check(secret, ERASURE).hex()
    begin_log(tmp_path)
    append(tmp_path, [LoggedErasure(ERASURE, "cafes", hashes, None, check, "refuse", "2030-01-01T00:00:00+00:00")])
    log = tmp_path / "erasures.jsonl"
    with pytest.raises(BackupRefused, match=r"an erasure of cafes .* bring loader/sources/cafes\.yml back; nothing"):
        read_erased_since(log, EMPTY)
    brings = replace(EMPTY, files={"project/loader/sources/cafes.yml": FileSum(0, "")})
    assert len(read_erased_since(log, brings).erasures) == 1
    with pytest.raises(BackupRefused):  # a drill writes no declarations
        read_erased_since(log, brings, writes_files=False)
