"""Reference cycles are collected between polls, and by Python again after the consumer's end."""

from __future__ import annotations

import gc
import weakref

import pytest

from streaming.consuming import gc_pauses as garbage
from streaming.consuming.gc_pauses import GcPauses


class Ring:
    """An object that refers to itself."""

    def __init__(self) -> None:
        """Refer to itself."""
        self.me = self


def test_a_reference_cycle_is_freed_by_the_next_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    swept = GcPauses()
    with swept.manual_collection():
        ring = weakref.ref(Ring())
        assert not gc.isenabled()
        swept.collect_if_due()
        assert ring() is not None, "the collection was not due yet"
        monkeypatch.setattr(garbage, "COLLECT_SECONDS", 0.0)
        swept.collect_if_due()
        assert ring() is None


def test_collection_is_enabled_again_after_any_exit() -> None:
    with pytest.raises(KeyboardInterrupt), GcPauses().manual_collection():
        raise KeyboardInterrupt
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
