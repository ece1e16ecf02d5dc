"""Random loads, erasures, undos, replays and lifts: the books balance, and no erased key is left anywhere (P1)."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from loader.undo.undo import undo
from tests.loader.conftest import CONTRACT
from tests.support.databases import rows
from tests.support.erasing import erase, find_now, lift_keys, wanted

KEYS = 6
BOOKS = """
select landed - undone - erased, read = landed + rejected + skipped and is_balanced from ledger.books
"""
NOT_ERASED = """
select position from ledger.rejects where erased_by is null and bytes <> '' and not is_undone
"""
BATCHES = "select batch_id from ledger.named_batches where landed + rejected > 0 and undone_at is null order by 1"


class Things:
    """The source `things`: which keys are barred, and a file for each load."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.folder, self.dice = folder, dice
        self.barred: set[str] = set()
        self.files = 0

    def load(self) -> None:
        """Load a file with good documents, documents that are rejected at first, and broken lines."""
        lines = [self.line() for _ in range(self.dice.randint(1, 8))]
        self.files += 1
        (self.folder / f"{self.files:03}.ndjson").write_bytes(b"\n".join(lines))
        load(Request(("things",)))

    def line(self) -> bytes:
        """Return a random line; its number makes it unique."""
        key = f"key{self.dice.randrange(KEYS)}"
        document = {"id": key, "updated_at": "", "n": self.dice.random(), **self.dice.choice([{}, {key: 1}])}
        kind = self.dice.choice(["good", "good", "rejected", "broken"])
        if kind == "rejected":
            document["updated_at"] = 5
        return json.dumps(document).encode()[: 22 if kind == "broken" else None]

    def accept_all(self, accepts: bool) -> None:
        """Let the contract accept what is rejected otherwise, or not."""
        properties = {**CONTRACT["properties"], "updated_at": {} if accepts else {"type": "string"}}
        path = self.folder.parent / "declared" / "things.schema.json"
        path.write_text(json.dumps({**CONTRACT, "properties": properties}))

    def replay(self) -> None:
        self.accept_all(True)
        replay("things", None, lambda reject, reason: None)
        self.accept_all(False)

    def undo(self) -> None:
        found = rows(BATCHES)
        if found:
            undo(str(self.dice.choice(found)[0]))

    def erase(self) -> None:
        key = f"key{self.dice.randrange(KEYS)}"
        if not find_now(wanted(key)).is_empty:
            erase(key)
            self.barred.add(key)

    def lift(self) -> None:
        if self.barred:
            key = self.dice.choice(sorted(self.barred))
            assert lift_keys(key) == 1
            self.barred.remove(key)

    def check(self) -> None:
        """Assert that the books balance with the raw table, and that nothing holds a barred key."""
        landed = Counter(key for (key,) in rows("select document ->> 'id' from raw.things"))
        assert rows(BOOKS) in ([], [(sum(landed.values()), True)])
        assert not self.barred & landed.keys()
        found = find_now(wanted(*self.barred))
        assert (found.documents, found.rejects, found.perhaps) == ({}, [], [])
        named = {pointer for (pointer,) in rows("select pointer from ledger.unknown_fields")}
        assert not {f"/{key}" for key in self.barred} & named
        for key in self.barred:
            assert rows("select 1 from ledger.rejects where position(%s in bytes) > 0", key.encode()) == []


@pytest.mark.parametrize("seed", range(3))
def test_books_balance_whatever_happens_in_which_order(database: str, source: Path, seed: int) -> None:
    dice = random.Random(seed)
    things = Things(source, dice)
    things.load()
    things.load()
    for _ in range(14):
        dice.choice([things.load, things.load, things.replay, things.undo, things.erase, things.erase, things.lift])()
        things.check()
