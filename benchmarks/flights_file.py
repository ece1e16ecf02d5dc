"""The files that are measured: every flight document of the sample that PostgreSQL stores, a line each."""

from __future__ import annotations

from pathlib import Path

from loader.landing.chunks import batches
from loader.plan import Request, plan_source
from loader.reading.inputs import InputFile
from waybill.errors import WaybillError
from waybill.settings import get_settings

CHUNK_BYTES = 8 << 20


def write_flights(path: Path, months: int) -> int:
    """Write the good documents of the sample's first months; return how many.

    Raises:
        WaybillError: the sample is not there.
    """
    plan = plan_source("flights", Request(("flights",)), get_settings(), _nothing)
    monthly = [one for one in plan.feeds if "flights-2013" in one.input_file.name]
    count = 0
    with path.open("wb") as file:
        for feed in monthly[:months]:
            for batch in batches(feed, CHUNK_BYTES):
                for _, document in batch.documents():
                    if b"\\u" not in document and b"1e400000" not in document:  # planted, and PostgreSQL's to refuse
                        file.write(document + b"\n")
                        count += 1
    return count


def write_repeated(path: Path, once: Path, size_bytes: int) -> None:
    """Write a file again and again until it has a size."""
    content = once.read_bytes()
    with path.open("wb") as file:
        while file.tell() < size_bytes:
            file.write(content)


def write_halves(once: Path) -> list[Path]:
    """Cut a file of lines into two beside it."""
    lines = once.read_bytes().splitlines(keepends=True)
    halves = [once.with_name("first-half.ndjson"), once.with_name("second-half.ndjson")]
    halves[0].write_bytes(b"".join(lines[: len(lines) // 2]))
    halves[1].write_bytes(b"".join(lines[len(lines) // 2 :]))
    return halves


def write_array(path: Path, once: Path) -> None:
    """Write the lines of a file as one JSON array."""
    path.write_bytes(b"[" + b",\n".join(once.read_bytes().splitlines()) + b"]\n")


def write_files(folder: Path, once: Path, count: int) -> None:
    """Write the first lines of a file as files of their own."""
    folder.mkdir()
    for number, line in enumerate(once.read_bytes().splitlines()[:count]):
        (folder / f"{number:06}.json").write_bytes(line)


def _nothing() -> InputFile:
    raise WaybillError("the benchmark reads no standard input")
