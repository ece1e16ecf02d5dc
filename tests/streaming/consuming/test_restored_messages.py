"""After a restore, a consumer continues at the ledger's positions: what landed after the backup lands again, once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.backups.making.backup import back_up
from pipeline.backups.restoring.lost import describe_lost
from pipeline.backups.restoring.restore import Request, restore_backup
from pipeline.mart_hashes import MartHash, mart_hashes
from streaming.errors import GapFound
from tests.support.databases import fresh_database, rows
from tests.support.kafka.things import Things, recreate_topic, thing
from warehouse.connection import engine
from waybill.settings import get_settings

DOCUMENTS = """
select inputs.name, things._position, things.document ->> 'id'
from raw.things as things
inner join ledger.batches on things._batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
order by 1, 2
"""
MART = """
drop table if exists marts.fct_things;
create table marts.fct_things as
select distinct on (document -> 'id') (document ->> 'id')::bigint as thing_id, document ->> 'text' as text, _batch_id
from raw.things
order by document -> 'id', _batch_id, _position
"""


@pytest.fixture
def backup(things: Things, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Land three messages of two partitions, and back them up."""
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    things.send(thing(1), thing(2), b"broken")
    things.send(thing(3), partition=1)
    things.consume()
    made = back_up(tmp_path / "backups").folder
    assert made is not None
    return made


def marts() -> dict[str, MartHash]:
    """Make a mart of what landed, and return its hash."""
    with engine("transformer").begin() as connection:
        connection.execute(text(MART))
        return mart_hashes(connection)


def lost(backup: Path) -> list[str]:
    """Restore, and return what it prints about the topics."""
    result = restore_backup(Request(backup, None))
    return [
        line.strip()
        for line in describe_lost(datetime.fromisoformat(result.manifest.made_at))
        if ":" in line and "offset" in line
    ]


def test_messages_after_the_backup_land_again_once(things: Things, backup: Path) -> None:
    things.send(thing(4), thing(2), thing(5))
    things.send(thing(6), partition=1)
    things.consume()
    before, books, hashes = rows(DOCUMENTS), things.books(), marts()
    with fresh_database("restored"):
        assert lost(backup) == [
            f"{things.topic}:0: continues at offset 3; the broker has all 3 offsets since",
            f"{things.topic}:1: continues at offset 1; the broker has all 1 offsets since",
        ]
        assert things.landed() == [1, 2, 3]
        things.consume()
        assert rows(DOCUMENTS) == before
        assert things.books() == books
        assert marts() == hashes
        things.consume()
        assert things.books() == books


def test_a_topic_that_was_created_again_stops_the_consumer(things: Things, backup: Path) -> None:
    recreate_topic(things)
    with fresh_database("restored"):
        restore_backup(Request(backup, None))
        with pytest.raises(GapFound):
            things.consume()
        assert get_settings().pgdatabase.startswith("restored")
