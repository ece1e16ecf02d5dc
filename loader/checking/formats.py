"""Recognises bytes that are not JSON in UTF-8, by their beginning: other encodings, archives, other formats."""

from __future__ import annotations

BEGINNING_BYTES = 512
TAR_MARK = slice(257, 262)

# first bytes → what has them, and what to do about it
FORMATS = {
    b"\x1f\x8b": "gzip inside: decompress it once more",
    b"BZh": "bzip2 inside: decompress it once more",
    b"\xfd7zXZ\0": "xz inside: decompress it once more",
    b"\x28\xb5\x2f\xfd": "zstd: decompress it with `zstd -d`",
    b"\x04\x22\x4d\x18": "lz4: decompress it with `lz4 -d`",
    b"\x5d\0\0": "lzma: decompress it with `xz -d --format=lzma`",
    b"\x1f\x9d": "compress (.Z): decompress it with `gzip -d`",
    b"\xff\x06\0\0sNaPpY": "snappy: decompress it with `snzip -d`",
    b"PK\x03\x04": "a zip archive or an Office document such as .xlsx: unpack it, or save it as JSON",
    b"PK\x05\x06": "an empty zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
    b"Rar!": "a rar archive: unpack it",
    b"\xd0\xcf\x11\xe0": "an old Office document such as .xls: save it as JSON",
    b"PAR1": "Parquet: convert it to NDJSON",
    b"Obj\x01": "Avro: convert it to NDJSON, for example with `avro cat`",
    b"ORC": "ORC: convert it to NDJSON",
    b"ARROW1": "Arrow: convert it to NDJSON",
    b"SQLite format 3\0": "an SQLite database: export it as NDJSON",
    b"%PDF-": "a PDF document",
    b"version https://git-lfs": "a Git LFS pointer, not the file: fetch the file with `git lfs pull`",
    b"\xef\xbb\xbf": "begins with a byte order mark: remove its three bytes",
    b"\x1e": "RFC 7464 text sequences: remove their marks, for example with `tr -d '\\036'`",
}
MARKS = tuple(FORMATS)
HTML = (b"<!doctype html", b"<html", b"<head", b"<body")


def recognise_format(beginning: bytes) -> tuple[str, str] | None:
    """Return code and detail of the reason to reject bytes that begin like another format; None if they may be JSON."""
    encoding = _other_encoding(beginning[:8])
    if encoding:
        return "not_utf8", f"{encoding}: convert it to UTF-8, for example with `iconv`"
    text = beginning.lstrip(b"\r\n")
    is_known = text.startswith(MARKS)  # in one call, for the many small files that are none of them
    found = next((what for mark, what in FORMATS.items() if text.startswith(mark)), None) if is_known else None
    if beginning[TAR_MARK] == b"ustar":
        found = "a tar archive: unpack it and load the files in it"
    elif text[:20].lower().startswith(HTML):
        found = "an HTML page, perhaps the error page of the server it was downloaded from: download it again"
    elif text.startswith(b"<"):
        found = "XML or HTML: convert it to NDJSON"
    elif text.startswith(b"\0"):
        found = "begins with zero bytes: a damaged or preallocated file"
    return ("not_json", found) if found else None


def _other_encoding(beginning: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 by their byte order marks, or by the zero bytes of the first two ASCII characters."""
    zeros = "".join("0" if byte == 0 else "c" for byte in beginning)
    if beginning[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or zeros in ("c000", "000c", "c000c000", "000c000c"):
        return "UTF-32"
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") or zeros[:4] in ("c0c0", "0c0c"):
        return "UTF-16"
    return None
