"""Batches of a few documents, so that a small file lands in many of them."""

from __future__ import annotations

import pytest


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "4000")
