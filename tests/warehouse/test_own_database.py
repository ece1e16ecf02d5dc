# waybill: sample
"""The databases of the demo and of the stream never are the user's."""

from __future__ import annotations

import pytest

from pipeline.errors import RunRefused
from pipeline.showcase.own_database import database_of
from waybill.errors import SettingsError
from waybill.settings import get_settings


def test_a_demo_never_empties_the_users_own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATABASE", "d" * 63)  # PostgreSQL would cut `d…d_demo` to this very name
    with pytest.raises(
        RunRefused, match="would be longer than PostgreSQL's 63 bytes: name a shorter one in PGDATABASE"
    ):
        database_of("demo")
    monkeypatch.setenv("PGDATABASE", "é" * 32)
    with pytest.raises(SettingsError, match="PGDATABASE is longer than 63 bytes"):
        get_settings()
