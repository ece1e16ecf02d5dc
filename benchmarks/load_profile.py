# waybill: sample
"""Measures what each step of a load costs per document, each step alone on the same documents."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from loader.checking.contracts import Contract, read_contract
from loader.declarations import FilePattern, read_source
from loader.landing.binary_copy import JSONB_VERSION, RAW_ROW
from loader.landing.chunks import batches
from loader.landing.feeds import FileFeed
from loader.reading.byte_ranges import START
from loader.reading.framing import frames
from loader.reading.input_files import identify
from loader.reading.streams import open_stream

TRIES = 3
BATCH = bytes(16)
MAX_BYTES = 64 << 20
CHUNK_BYTES = 8 << 20


def profile(file: Path) -> dict[str, float]:
    """Return step → seconds of CPU time for the whole file, the best of TRIES."""
    source = read_source("flights")
    contract = read_contract(source)
    input_file = identify(file)
    feed = FileFeed(source, contract, MAX_BYTES, input_file=input_file, pattern=FilePattern(pattern="*"))
    lines = file.read_bytes().split(b"\n")[:-1]
    parsed = _seconds(lambda: _parse(lines))
    return {
        "digest of the file": _seconds(lambda: identify(file)),
        "framing": _seconds(lambda: _frame(feed)),
        "parsing": parsed,
        "contract": _seconds(lambda: _parse_and_check(lines, contract)) - parsed,
        "fingerprint": _seconds(lambda: _fingerprint(lines)),
        "encoding": _seconds(lambda: _encode(lines)),
        "all steps of the framing thread": _seconds(lambda: _run_all_steps(feed)),
    }


def _frame(feed: FileFeed) -> None:
    with open_stream(feed.input_file) as stream:
        for _ in frames(stream, feed.pattern, feed.max_bytes, START):
            pass


def _parse(lines: list[bytes]) -> None:
    loads = orjson.loads
    for line in lines:
        loads(line)


def _parse_and_check(lines: list[bytes], contract: Contract) -> None:
    loads, knows_all = orjson.loads, contract.knows_all
    for line in lines:
        knows_all(loads(line))


def _fingerprint(lines: list[bytes]) -> None:
    empty = hashlib.blake2b(digest_size=16)
    for line in lines:
        mark = empty.copy()
        mark.update(line)
        mark.digest()


def _encode(lines: list[bytes]) -> None:
    pack = RAW_ROW.pack
    pieces: list[bytes] = []
    for line in lines:
        pieces.append(pack(4, 16, BATCH, 8, 1, 16, BATCH, len(line) + 1, JSONB_VERSION))
        pieces.append(line)


def _run_all_steps(feed: FileFeed) -> None:
    for _ in batches(feed, CHUNK_BYTES):
        pass


def _seconds(work: Callable[[], object]) -> float:
    found = []
    for _ in range(TRIES):
        started = time.thread_time()
        work()
        found.append(time.thread_time() - started)
    return min(found)
