"""A copy of the project for the commands of a new user, so that this clone does not change."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.real_sets.sets import RealSet
from waybill.settings import PROJECT, get_settings


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its exit code and all of its output."""

    code: int
    output: str


@dataclass(frozen=True)
class Clone:
    """The copy, and the variables of its commands."""

    folder: Path
    variables: dict[str, str]

    def waybill(self, *arguments: str) -> Ran:
        """Run `waybill ARGUMENTS` in the copy."""
        command = [sys.executable, "-m", "waybill", *arguments]
        ran = subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False)
        return Ran(ran.returncode, ran.stdout + ran.stderr)

    def typed(self, line: str) -> Ran:
        """Run a command as `waybill new` printed it."""
        words = shlex.split(line)
        start = next(number for number, word in enumerate(words) if word.endswith("waybill"))
        return self.waybill(*words[start + 1 :])

    def model(self, wanted: RealSet, files: Sequence[Path]) -> list[tuple[str, Ran]]:
        """Run `waybill new` on the files of a set, then the commands that it prints, as far as the first that fails."""
        new = self.waybill("new", wanted.source, *map(str, files), *wanted.flags)
        ran = [("new", new)]
        steps = new.output.partition("\nNext\n")[2].splitlines()
        for line in (step.strip() for step in steps if "waybill " in step):
            if ran[-1][1].code == 0:
                ran.append((line, self.typed(line)))
        return ran


def first_problem(ran: Sequence[tuple[str, Ran]]) -> str | None:
    """Return the first command that failed, with the end of its output."""
    return next((f"{line}: {' '.join(made.output.split())[-600:]}" for line, made in ran if made.code), None)


def write_outputs(path: Path, ran: Sequence[tuple[str, Ran]]) -> None:
    """Write the commands with their whole outputs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"$ {line}\n{made.output}\n" for line, made in ran), encoding="utf-8")


@contextmanager
def clone() -> Iterator[Clone]:
    """Copy the files that git knows, or would know, and use the present server and database."""
    with tempfile.TemporaryDirectory(prefix="waybill-sets-") as name:
        folder = Path(name) / "waybill"
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for file in subprocess.check_output(listed, cwd=PROJECT, text=True).rstrip("\0").split("\0"):
            if (PROJECT / file).exists():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / file, folder / file)
        variables = {**os.environ, "WAYBILL_STATE": os.fspath(get_settings().state_folder), "COLUMNS": "200"}
        yield Clone(folder, variables)
