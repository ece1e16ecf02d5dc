"""Keys are kept as hashes only, and nothing of a source with erased keys lands without the secret they were made with."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from loader.erasing import secret
from loader.erasing.secret import key_hash, make_secret, read_secret, secret_file
from loader.errors import EraseRefused
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.erasing import erase, lift_keys
from waybill.errors import SettingsError
from waybill.settings import get_settings

GIVEN = "a secret of the tests"


def load_all() -> None:
    load(Request(("things",)))


@pytest.fixture
def erased(database: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source of which one document was erased with a secret that a variable holds."""
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", GIVEN)
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), document(2)]))
    load_all()
    erase("t1")
    (source / "b.ndjson").write_bytes(document(1))
    return source


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path / "state"))
    settings = get_settings()
    assert read_secret(settings) is None
    made = make_secret(settings)
    assert made == make_secret(settings) == read_secret(settings)
    assert len(made) == 64 and stat.S_IMODE(secret_file(settings).stat().st_mode) == 0o600
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", GIVEN)
    assert make_secret(get_settings()) == GIVEN.encode()


def test_of_two_secrets_made_at_once_the_first_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path))
    made = make_secret(get_settings())
    answers: list[bytes | None] = [None]
    monkeypatch.setattr(secret, "read_secret", lambda settings: answers.pop() if answers else read_secret(settings))
    assert make_secret(get_settings()) == made
    assert not answers
    assert [path.name for path in tmp_path.iterdir()] == ["erasure_secret"]


def test_an_empty_file_or_a_short_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path))
    (tmp_path / "erasure_secret").write_text("\n")
    with pytest.raises(EraseRefused, match="erasure_secret is empty: restore it from a copy"):
        make_secret(get_settings())
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", "short")
    with pytest.raises(SettingsError, match="WAYBILL_ERASURE_SECRET must have at least 16 characters"):
        get_settings()


def test_no_key_is_in_the_ledger(erased: Path) -> None:
    tables = rows("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('ledger', 'raw')")
    for (table,) in tables:
        assert rows(f"select * from {table} as found where position('t1' in found::text) > 0") == [], table
    ((barred,),) = rows("select key_hash from ledger.barred_keys")
    assert bytes(barred) == key_hash(GIVEN.encode(), "things", "t1")


@pytest.mark.parametrize("given", ["", "another secret than it was"])
def test_nothing_lands_without_the_right_secret(erased: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", given)
    secret_file(get_settings()).unlink(missing_ok=True)
    problem = "with another secret than today's" if given else "but the secret is gone"
    with pytest.raises(EraseRefused, match=f"documents of things were erased .* {problem}: set WAYBILL_ERASURE_SECRET"):
        load_all()
    with pytest.raises(EraseRefused, match=r"with another secret than today's"):
        erase("t2")
    with pytest.raises(EraseRefused, match=r"with another secret than today's"):
        lift_keys("t1")
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", GIVEN)
    load_all()
    assert landed_ids() == {"t2": 1}
