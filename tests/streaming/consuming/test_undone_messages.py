"""Undone messages are not read again: the partition's position stays, and `why` says so."""

from __future__ import annotations

import pytest

from loader.errors import UndoRefused
from loader.tracing.why import why
from loader.undo.undo import undo
from tests.support.databases import rows
from tests.support.kafka.things import Things, thing


def test_undone_messages_are_not_read_again(things: Things) -> None:
    things.send(thing(1), b"{", thing(2))
    things.consume()
    ((batch_id, run_id),) = rows("select batch_id, run_id from ledger.batches")
    with pytest.raises(UndoRefused, match="is a topic partition: give the id of a batch, or of a run of the consumer"):
        undo(f"{things.topic}:0")
    assert undo(str(run_id))["things"].messages == 1
    assert things.landed() == []

    things.send(thing(3))
    things.consume()

    assert things.landed() == [3]
    assert rows("select next_position from ledger.inputs where partition = 0") == [(4,)]
    lines = why(f"{things.topic}:0:2")
    assert f"kafka batch {batch_id}" in lines[0]
    assert lines[2].startswith("its batch was undone ")
    assert lines[3].startswith("messages of a topic are not read again: the partition's position stays")
