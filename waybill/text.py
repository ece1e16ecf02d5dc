"""Formats text for people, and shows text from outside so that it cannot control the terminal."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

# Letters and marks that are drawn as nothing although Unicode counts them as printable (Default_Ignorable_Code_Point).
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
COLOURS = re.compile(r"(\x1b\[[0-9;]*m)")  # the only control sequences that dbt writes itself
NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 document`, `1,000 documents`, or `2 entries` with `plural="entries"`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def whole_number(text: str) -> int | None:
    """Return a number written in ASCII digits that fits into PostgreSQL's bigint; None for any other text."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def shown(text: str) -> str:
    r"""Return one line in which everything that is not plainly visible is an escape, such as `\n`, `\x1b` or `\u202e`.

    These are control characters, all blanks but the ordinary one, marks of direction and of zero width, tags, lone
    surrogates and unassigned characters. A byte of a file name that is not UTF-8 is shown as `\xff`. Backslashes are
    not doubled: JSON remains readable, and showing a text twice changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _is_visible(letter) else _escape(letter) for letter in text)


def folded(line: str, width: int = 80) -> str:
    """Return a line in lines of at most this width; the later ones are indented. A command in backticks stays whole."""
    import textwrap

    kept = re.sub("`[^`]*`", lambda command: command[0].replace(" ", "\0"), line)
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    lines = textwrap.wrap(
        kept, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, expand_tabs=False
    )
    return "\n".join(lines).replace("\0", " ")


def shown_bytes(content: bytes) -> str:
    r"""Return bytes as one line of text, as `shown` does; bytes that are not UTF-8 are escapes, too."""
    return shown(content.decode("utf-8", "backslashreplace"))


def shown_lines(text: str) -> str:
    """Return text with its line ends, in which each line is shown as `shown` does."""
    return "\n".join(shown(line.removesuffix("\r")) for line in text.split("\n"))


def _is_visible(letter: str) -> bool:
    return letter.isprintable() and not INVISIBLE.match(letter)


def _escape(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # how Python decodes a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return NAMED.get(letter, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class ShownStream:
    """Standard output or error: shows what is written to it as `shown_lines` does, and never fails to encode it.

    `plain` is the stream itself, for the control sequences of progress bars. `keeps_colours` lets those of dbt through.
    """

    def __init__(self, plain: TextIO) -> None:
        """Show what would be written to a stream."""
        self.plain = plain
        self.keeps_colours = False
        if isinstance(plain, io.TextIOWrapper):
            is_ascii = codecs.lookup(plain.encoding).name == "ascii"
            plain.reconfigure(encoding="utf-8" if is_ascii else None, errors="backslashreplace")  # as click does

    def write(self, text: str) -> int:
        """Write text as it is shown."""
        parts = COLOURS.split(text) if self.keeps_colours else [text]
        with self._named_in_errors():
            self.plain.write("".join(part if number % 2 else shown_lines(part) for number, part in enumerate(parts)))
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        with self._named_in_errors():
            self.plain.flush()

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts as they are shown."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream itself."""
        return getattr(self.plain, name)

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            error.filename = error.filename or self.plain.name
            raise


def show_all_output() -> None:
    """Let standard output and error show what is written to them, and replace closed standard streams by empty ones."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, so that no other file becomes the output
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name) or os.fdopen(number, "w", encoding="utf-8", closefd=False)
        if not isinstance(stream, ShownStream):
            setattr(sys, name, ShownStream(stream))


def keep_colours() -> None:
    """Let colours through to standard output, for a program that writes them itself."""
    if isinstance(sys.stdout, ShownStream):
        sys.stdout.keeps_colours = True


def console(*, stderr: bool = False) -> Console:
    """Return a console for tables and progress bars, in which text from outside is shown and never read as markup."""
    from rich.console import Console
    from rich.segment import Segment

    class ShownConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(shown_lines(segment.text), segment.style)

    stream: Any = sys.stderr if stderr else sys.stdout
    return ShownConsole(file=getattr(stream, "plain", stream), markup=False)
