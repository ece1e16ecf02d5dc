"""Where a load's time goes: what each step costs a document, measured alone on the same documents."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from loader.checking.contracts import read_contract
from loader.declarations import FilePattern, read_source
from loader.landing.binary_copy import JSONB_VERSION, RAW_ROW
from loader.landing.chunks import batches
from loader.landing.feeds import FileFeed
from loader.reading.framing import frames
from loader.reading.inputs import identify, open_stream
from loader.reading.ranges import START

TRIES = 3
BATCH = bytes(16)


def profile(file: Path) -> dict[str, float]:
    """Return step → seconds of processor time for the whole file, the best of some tries."""
    source = read_source("flights")
    contract = read_contract(source)
    input_file = identify(file)
    feed = FileFeed(source, contract, 64 << 20, input_file=input_file, pattern=FilePattern(pattern="*"))
    lines = file.read_bytes().split(b"\n")[:-1]
    loads, knows_all, pack, blake2b = orjson.loads, contract.knows_all, RAW_ROW.pack, hashlib.blake2b

    def frame() -> None:
        with open_stream(input_file) as stream:
            for _ in frames(stream, feed.pattern, feed.max_bytes, START):
                pass

    def parse() -> None:
        for line in lines:
            loads(line)

    def parse_and_check() -> None:
        for line in lines:
            knows_all(loads(line))

    def fingerprint() -> None:
        empty = blake2b(digest_size=16)
        for line in lines:
            mark = empty.copy()
            mark.update(line)
            mark.digest()

    def encode() -> None:
        pieces: list[bytes] = []
        for line in lines:
            pieces.append(pack(4, 16, BATCH, 8, 1, 16, BATCH, len(line) + 1, JSONB_VERSION))
            pieces.append(line)

    def all_of_it() -> None:
        for _ in batches(feed, 8 << 20):
            pass

    parsed = _seconds(parse)
    steps = {
        "digest of the file": _seconds(lambda: identify(file)),
        "framing": _seconds(frame),
        "parsing": parsed,
        "contract": _seconds(parse_and_check) - parsed,
        "fingerprint": _seconds(fingerprint),
        "encoding": _seconds(encode),
    }
    return {**steps, "framing thread, all of it": _seconds(all_of_it)}


def _seconds(work: Callable[[], object]) -> float:
    found = []
    for _ in range(TRIES):
        started = time.thread_time()
        work()
        found.append(time.thread_time() - started)
    return min(found)
