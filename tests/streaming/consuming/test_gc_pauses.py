"""Cyclic garbage is collected between polls, and as Python does it once the consumer has ended."""

from __future__ import annotations

import gc
import weakref

import pytest

from streaming.consuming import gc_pauses as garbage
from streaming.consuming.gc_pauses import GcPauses


class Ring:
    """Refers to itself."""

    def __init__(self) -> None:
        """Close the ring."""
        self.me = self


def test_a_reference_cycle_is_freed_by_the_next_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    swept = GcPauses()
    with swept.manual_collection():
        ring = weakref.ref(Ring())
        assert not gc.isenabled()
        swept.collect_if_due()
        assert ring() is not None, "it was not due yet"
        monkeypatch.setattr(garbage, "COLLECT_SECONDS", 0.0)
        swept.collect_if_due()
        assert ring() is None


def test_collection_is_enabled_again_after_any_exit() -> None:
    with pytest.raises(KeyboardInterrupt), GcPauses().manual_collection():
        raise KeyboardInterrupt
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
