"""Exports the bytes of rejects, so that they can be fixed and loaded again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from loader.errors import FileRefused
from loader.reading.input_files import InputFile
from loader.reading.lines import LINE_END
from loader.reading.originals import copy_range, find_original, message_command
from loader.rejects.listing import ListedReject
from waybill.atomic_files import atomic_file, open_descriptor, partial_folder

INDENT = b"    "  # blanks are not part of a document, and a file that begins with four of them is read as plain UTF-8

logger = logging.getLogger(__name__)


@dataclass
class Exported:
    """How many rejects were written as lines and as files, and how many of files and of topics were left out.

    `without_folder` were left out because they would be files, and a pipe or device has no folder for them.
    """

    lines: int = 0
    files: int = 0
    left_out: int = 0
    messages_left_out: int = 0
    without_folder: int = 0


def export_rejects(rejects: Iterator[ListedReject], path: Path) -> Exported:
    """Write the rejects' bytes to a file, pipe or device, one reject a line; if it is interrupted, write nothing.

    A reject that contains a line end becomes a file in the folder `<path>.documents`; load that folder with
    `--layout document`. So does a reject whose beginning is all that the ledger kept: its bytes are read again from
    its file. It is left out if that file is gone or has changed. A message whose beginning is all that was kept is
    left out and logged with the command that prints it.

    Raises:
        FileRefused: the folder of the file does not exist, or the folder of the documents contains files already.
    """
    if not path.parent.is_dir():
        raise FileRefused(f"{path.parent}: no such folder; create it, or choose another path for the export")
    if not _has_folder(path):
        with atomic_file(path) as lines:
            export = _Export(lines, None)
            export.write(rejects)
        return export.exported
    folder = path.with_name(f"{path.name}.documents")
    if folder.exists() and any(folder.iterdir()):
        raise FileRefused(f"{folder} contains files: remove them, or choose another file name for the export")
    with partial_folder(path) as partial, atomic_file(path) as lines:
        export = _Export(lines, partial / "documents")
        export.write(rejects)
        if export.exported.files:
            (partial / "documents").replace(folder)
    return export.exported


def _has_folder(path: Path) -> bool:
    """Return whether documents can be written beside the lines: not for a pipe, a device or an open descriptor."""
    return open_descriptor(path) is None and (path.is_file() or not path.exists())


class _Export:
    def __init__(self, path: Path, folder: Path | None) -> None:
        self.exported = Exported()
        self._path = path
        self._folder = folder
        self._originals: dict[str, InputFile | None] = {}

    def write(self, rejects: Iterator[ListedReject]) -> None:
        """Write all rejects and count them."""
        exported = self.exported
        with self._path.open("wb") as file:
            for reject in rejects:
                if reject.is_complete and not LINE_END.search(reject.beginning):
                    file.write(_indent(reject) if exported.lines == 0 else b"")
                    file.write(reject.beginning + b"\n")
                    exported.lines += 1
                elif not reject.is_complete and reject.digest is None:
                    exported.messages_left_out += 1
                    logger.warning(
                        "left out a message of which only the beginning was kept coordinate=%s:%s command=%s",
                        reject.name,
                        reject.position,
                        message_command(reject.name, reject.position),
                    )
                elif self._folder is None:
                    exported.without_folder += 1
                elif self._write_file(reject, self._folder):
                    exported.files += 1
                else:
                    exported.left_out += 1

    def _write_file(self, reject: ListedReject, folder: Path) -> bool:
        """Write a reject to a file; return False if its bytes cannot be read again."""
        original = None if reject.is_complete else self._original(reject)
        if not reject.is_complete and original is None:
            return False
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.exported.files + 1:06}"
        is_written = True
        with path.open("wb") as file:
            file.write(_indent(reject))
            if original is None:
                file.write(reject.beginning)
            else:
                expected = UUID(reject.fingerprint)
                is_written = copy_range(original, reject.first_byte, reject.length, expected, file)
        if not is_written:
            path.unlink()
        return is_written

    def _original(self, reject: ListedReject) -> InputFile | None:
        digest = reject.digest or ""
        if digest not in self._originals:
            self._originals[digest] = find_original(reject.names, digest)
        return self._originals[digest]


def _indent(reject: ListedReject) -> bytes:
    """Return blanks for a file's beginning if its first bytes could be taken for gzip, UTF-16 or a byte order mark."""
    first_bytes = reject.beginning[:4]
    is_plain = first_bytes and first_bytes.isascii() and b"\0" not in first_bytes
    return b"" if is_plain else INDENT
