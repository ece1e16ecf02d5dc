"""Writes the files of a sample and remembers each planted document's coordinate and what the books must say of it."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from data.sample.documents import Document
from data.sample.faults import Planted


class Sample:
    """The files of one build, their planted faults, and what the ledger has to show for each source."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that is built in."""
        self.folder = folder
        self.faults: list[dict[str, Any]] = []
        self.totals: dict[str, Counter[str]] = defaultdict(Counter)

    def write(self, name: str, data: bytes) -> None:
        """Write one file; a name that ends in .gz is compressed, the same bytes at every build."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, 6, mtime=0) if name.endswith(".gz") else data)

    def add_lines(
        self,
        name: str,
        real: list[Document],
        *,
        planted: Sequence[Planted] = (),
        end: bytes = b"\n",
        head: bytes = b"",
    ) -> None:
        """Write real documents, a line each, with planted ones at every thousandth line and a blank line after each."""
        source = name.partition("/")[0]
        lines = list(map(orjson.dumps, real))
        for place, fault in zip(range(1_000, len(lines), 1_000), planted, strict=False):
            lines[place - 1 : place - 1] = [fault.line, b""]
            self.remember(fault, name, place)
        self.write(name, head + end.join(lines) + end)
        self.totals[source].update(landed=len(real), current=len(real))

    def add_planted(self, name: str, planted: list[Planted], *, blank_every: int = 7) -> None:
        """Write planted lines with blank ones between them, and remember where each stands."""
        lines: list[bytes] = []
        for fault in planted:
            if len(lines) % blank_every == blank_every - 1:
                lines.append(b"")
            lines.append(fault.line)
            self.remember(fault, name, len(lines))
        self.write(name, b"\n".join(lines) + b"\n")

    def remember(self, fault: Planted, name: str, position: int) -> None:
        """Note one planted document and count it as the books must."""
        outcome = fault.expected.get("outcome")
        self.totals[name.partition("/")[0]].update(["landed", outcome] if outcome else ["rejected"])
        self.note(fault.kind, name, position, fault.expected)

    def note(self, kind: str, name: str, position: int, expected: dict[str, Any]) -> None:
        """Note one planted fault with its coordinate and what the books must say; position 0 is the whole file."""
        source = name.partition("/")[0]
        self.faults.append({"kind": kind, "source": source, "file": name, "position": position, "expected": expected})
