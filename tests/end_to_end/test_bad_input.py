"""Bad input on the command line: the right reject, or one line that says what to do."""

from __future__ import annotations

import ctypes
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.databases import rows
from tests.support.declared.orders import order, write_declaration
from tests.support.external_server import external_server
from waybill.cli import TRY_AGAIN

BAD_LINES = [
    (b'{"shop":', "not_json"),
    (b"{'shop': 'NE'}", "not_json"),
    (b'{"order_number": NaN}', "not_json"),
    (b'{"note": "\xff"}', "not_utf8"),
    (b'{"note": "N\\u0000"}', "not_storable"),
    (b'{"distance": 1e400000}', "not_storable"),
    (b'{"order_number": 1}', "breaks_contract"),
    (b"42", "breaks_contract"),
    (b'[{"note": "' + b"x" * 5_000 + b'"}]', "breaks_contract"),
]
READ_ANYTHING, SEARCH_ANYTHING = 1, 2  # what root may: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
PR_CAPBSET_DROP = 24
DECLARED: list[Path] = []


def line(number: int) -> bytes:
    """Return a good order, padded with text that does not compress."""
    return json.dumps(order(number, note=os.urandom(40).hex())).encode()


@pytest.fixture(scope="module", autouse=True)
def declared(tmp_path_factory: pytest.TempPathFactory) -> None:
    DECLARED.append(tmp_path_factory.mktemp("declared"))
    write_declaration(DECLARED[-1])


def loader(
    *arguments: str | Path, declared: Path | None = None, before: Callable[[], None] | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the loader in its own process, as a user does, with the one source `orders`."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.support.declared",
            str(declared or DECLARED[-1]),
            "loader",
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        preexec_fn=before,
        check=False,
    )


def refused(ran: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """Return the one line of error of a failed command."""
    assert (ran.returncode, ran.stdout) == (code, ""), ran
    (output,) = ran.stderr.splitlines()
    assert output.startswith("error: ")
    return output.removeprefix("error: ")


def booked(path: Path) -> tuple[int, int, int]:
    """Return read, landed and rejected of a file's batches."""
    ((read, landed, rejected),) = rows(
        "select coalesce(sum(read), 0), coalesce(sum(landed), 0), coalesce(sum(rejected), 0)"
        " from ledger.named_batches where input_name = %s",
        str(path),
    )
    return int(read), int(landed), int(rejected)


def rejected(path: Path) -> list[tuple[int, str]]:
    """Return position and reason of a file's rejects."""
    return rows(
        "select position, reason from ledger.open_rejects where input_name = %s order by position",
        str(path),
    )  # type: ignore[return-value]


PACKED = gzip.compress(b"\n".join(map(line, range(500))))
GOOD_FILES = {
    "empty": (b"", 0),
    "blank lines": (b"\n  \n\t\r\n", 0),
    "byte order mark and Windows line ends": (b"\xef\xbb\xbf" + line(1) + b"\r\n\r\n" + line(2) + b"\r\n", 2),
    "named as gzip but plain": (line(1) + b"\n" + line(2), 2),
    "gzip by another name": (gzip.compress(line(1) + b"\n" + line(2)), 2),
}


@pytest.mark.parametrize(("data", "landed"), GOOD_FILES.values(), ids=GOOD_FILES)
def test_unusual_but_valid_files_land_once(module_database: str, tmp_path: Path, data: bytes, landed: int) -> None:
    path = tmp_path / "file.ndjson.gz"
    path.write_bytes(data)
    assert loader("load", "orders", path).returncode == 0
    again = loader("load", "orders", path)
    assert (again.returncode, "nothing new" in again.stdout) == (0, True)
    assert (booked(path), rejected(path)) == ((landed, landed, 0), [])


def test_each_bad_line_is_named_and_every_good_line_lands(module_database: str, tmp_path: Path) -> None:
    path, lines = tmp_path / "lines.ndjson", [line(1)]
    for number, (bad, _) in enumerate(BAD_LINES, start=2):
        lines += [bad, b"", line(number)]
    path.write_bytes(b"\n".join(lines))
    ran = loader("load", "orders", path)
    good = len(BAD_LINES) + 1
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"{good} documents landed, {len(BAD_LINES)} rejected" in ran.stdout.replace("  ", " ").splitlines()[-1]
    assert booked(path) == (good + len(BAD_LINES), good, len(BAD_LINES))
    assert rejected(path) == [(3 * number + 2, reason) for number, (_, reason) in enumerate(BAD_LINES)]
    listed = loader("rejects", "orders").stdout
    assert max(map(len, listed.splitlines())) < 500, "the message contains a whole document"
    for position, reason in rejected(path):
        assert f"{path}:{position}  {reason}: " in listed
    assert "nothing new" in loader("load", "orders", path).stdout


@pytest.mark.parametrize(
    "data", [PACKED[: len(PACKED) // 2], b"\x1f\x8bno gzip at all\n" * 9], ids=["truncated", "only its first two bytes"]
)
def test_broken_gzip_lands_what_precedes_the_damage(module_database: str, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.ndjson.gz"
    path.write_bytes(data)
    ran = loader("load", "orders", path)
    read, landed, rejects = booked(path)
    assert (ran.returncode, "its only document was rejected" in ran.stderr) == ((0, False) if landed else (1, True))
    assert (read, rejects) == (landed + 1, 1)
    assert (landed > 0) == (data == PACKED[: len(PACKED) // 2])
    assert rejected(path) == [(landed + 1, "cut_off")]


def test_a_missing_file_is_reported(module_database: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert refused(loader("load", "orders", folder)) == f"{folder}: the folder contains no files"
    assert refused(loader("load", "orders", folder / "gone.ndjson")) == f"{folder}/gone.ndjson: no such file"
    output = refused(loader("load", "trains", folder))
    assert output.startswith("no source 'trains': the declared sources are orders")
    assert "loader/sources" in output
    assert refused(loader("load", folder)).endswith(f"; name the source before {folder}")
    assert refused(loader("load", "orders", WAYBILL_RAW=str(folder))).startswith(
        f"no file for source orders in {folder}: put one there that matches orders/*.ndjson or orders/*.json, or name a file"
    )


def test_a_missing_or_invalid_contract_stops_the_load_first(module_database: str, tmp_path: Path) -> None:
    path, declared = tmp_path / "file.ndjson", tmp_path / "declared"
    write_declaration(declared)
    path.write_bytes(line(1))
    contract = declared / "orders.schema.json"
    contract.unlink()
    assert "orders.schema.json is missing" in refused(loader("load", "orders", path, declared=declared))
    for no_schema in ('{"type": "nonsense"}', "{", "[]"):
        contract.write_text(no_schema)
        output = refused(loader("load", "orders", path, declared=declared))
        assert "orders.schema.json is not a JSON Schema" in output
    assert booked(path) == (0, 0, 0)


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return the variables that name a server which asks for a password."""
    with external_server() as server:
        server.execute("create database bad_input owner creator")
        yield {**server.variables("creator", tmp_path_factory.mktemp("external")), "PGDATABASE": "bad_input"}


def test_a_wrong_password_is_one_line_and_a_rerun_completes(external: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "file.ndjson"
    path.write_bytes(line(1))
    output = refused(loader("load", "orders", path, **{**external, "PGPASSWORD": "wrong"}))
    assert f"127.0.0.1:{external['PGPORT']} as creator" in output
    assert "password authentication failed" in output and "check the PG… variables" in output
    assert "1 document landed" in loader("load", "orders", path, **external).stdout


def test_an_unreachable_server_is_one_line(external: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "file.ndjson"
    path.write_bytes(line(1))
    output = refused(loader("load", "orders", path, **{**external, "PGPORT": "1"}), TRY_AGAIN)
    assert "127.0.0.1:1 as creator" in output and "Connection refused" in output


def test_an_unreadable_file_is_named_and_lands_once_readable(external: dict[str, str], tmp_path: Path) -> None:
    closed, beside = tmp_path / "closed.ndjson", tmp_path / "beside.ndjson"
    closed.write_bytes(line(1))
    beside.write_bytes(line(2))
    closed.chmod(0)
    output = refused(loader("load", "orders", closed, before=drop_read_capabilities, **external))
    assert output == f"{closed}: Permission denied; make it readable and run again"
    closed.chmod(0o600)
    ran = loader("load", "orders", closed, beside, before=drop_read_capabilities, **external)
    assert "2 documents landed, 0 rejected" in ran.stdout


def drop_read_capabilities() -> None:
    """Take from root the capabilities that ignore file modes."""
    if os.geteuid() == 0:
        for capability in (READ_ANYTHING, SEARCH_ANYTHING):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
