# waybill: sample
"""Writes the files of a sample and records the coordinate and expected outcome of each planted fault."""

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
    """The files of one build, their planted faults, and the totals that the books must show for each source."""

    def __init__(self, folder: Path) -> None:
        """Build in this folder."""
        self.folder = folder
        self.faults: list[dict[str, Any]] = []
        self.totals: dict[str, Counter[str]] = defaultdict(Counter)

    def write(self, name: str, data: bytes) -> None:
        """Write one file; if its name ends in .gz, compress it to the same bytes in every build."""
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
        """Write real documents as lines, with a planted line and a blank line at every thousandth line."""
        source = name.partition("/")[0]
        lines = list(map(orjson.dumps, real))
        for number, fault in zip(range(1_000, len(lines), 1_000), planted, strict=False):
            lines[number - 1 : number - 1] = [fault.line, b""]
            self.record_document(fault, name, number)
        self.write(name, head + end.join(lines) + end)
        self.totals[source].update(landed=len(real), current=len(real))

    def add_planted(self, name: str, planted: list[Planted], *, blank_every: int = 7) -> None:
        """Write planted lines with blank lines between them, and record their positions."""
        lines: list[bytes] = []
        for fault in planted:
            if len(lines) % blank_every == blank_every - 1:
                lines.append(b"")
            lines.append(fault.line)
            self.record_document(fault, name, len(lines))
        self.write(name, b"\n".join(lines) + b"\n")

    def record_document(self, fault: Planted, name: str, position: int) -> None:
        """Record one planted document and add it to the expected totals."""
        outcome = fault.expected.get("outcome")
        self.totals[name.partition("/")[0]].update(["landed", outcome] if outcome else ["rejected"])
        self.record_fault(fault.kind, name, position, fault.expected)

    def record_fault(self, kind: str, name: str, position: int, expected: dict[str, Any]) -> None:
        """Record a planted fault with its coordinate and expected outcome; position 0 means the whole file."""
        source = name.partition("/")[0]
        self.faults.append({"kind": kind, "source": source, "file": name, "position": position, "expected": expected})
