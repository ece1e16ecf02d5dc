# waybill: sample
"""Writes the input files: each flight document of the sample that PostgreSQL can store, one a line."""

from __future__ import annotations

from pathlib import Path

from loader.landing.chunks import batches
from loader.plan import Request, plan_source
from loader.reading.input_files import InputFile
from waybill.errors import WaybillError
from waybill.settings import get_settings

CHUNK_BYTES = 8 << 20
UNSTORABLE = (b"\\u", b"1e400000")  # in the sample's documents that the loader accepts and PostgreSQL rejects


def write_flights(path: Path, months: int) -> int:
    """Write the valid documents of the sample's first months; return how many there are.

    Raises:
        WaybillError: the sample is missing.
    """
    plan = plan_source("flights", Request(("flights",)), get_settings(), _no_standard_input)
    monthly = [feed for feed in plan.feeds if "flights-2013" in feed.input_file.name]
    count = 0
    with path.open("wb") as file:
        for feed in monthly[:months]:
            for batch in batches(feed, CHUNK_BYTES):
                for _, document in batch.documents():
                    if not any(sign in document for sign in UNSTORABLE):
                        file.write(document + b"\n")
                        count += 1
    return count


def write_repeated(path: Path, once: Path, size_bytes: int) -> None:
    """Repeat a file until the result has the given size."""
    content = once.read_bytes()
    with path.open("wb") as file:
        while file.tell() < size_bytes:
            file.write(content)


def write_halves(once: Path) -> list[Path]:
    """Split a file of lines into two files in the same folder."""
    lines = once.read_bytes().splitlines(keepends=True)
    halves = [once.with_name("first-half.ndjson"), once.with_name("second-half.ndjson")]
    halves[0].write_bytes(b"".join(lines[: len(lines) // 2]))
    halves[1].write_bytes(b"".join(lines[len(lines) // 2 :]))
    return halves


def write_array(path: Path, once: Path) -> None:
    """Write the lines of a file as one JSON array."""
    path.write_bytes(b"[" + b",\n".join(once.read_bytes().splitlines()) + b"]\n")


def write_with_unknown_field(path: Path, once: Path) -> None:
    """Write the documents of a file of lines, each with one field that their contract does not name."""
    lines = once.read_bytes().splitlines()
    path.write_bytes(b"".join(b'%s,"gate_agent":"A%d"}\n' % (line[:-1], n % 100) for n, line in enumerate(lines)))


def write_files(folder: Path, once: Path, count: int) -> None:
    """Write each of a file's first lines to its own file."""
    folder.mkdir()
    for number, line in enumerate(once.read_bytes().splitlines()[:count]):
        (folder / f"{number:06}.json").write_bytes(line)


def _no_standard_input() -> InputFile:
    raise WaybillError("the benchmark does not read standard input")
