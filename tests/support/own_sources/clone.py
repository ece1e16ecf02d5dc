"""A clone of the project in which `waybill new` and the commands that it prints are run as a user types them."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from tests.support.clones import make_clone, run_in
from waybill.settings import get_settings


class NewProject:
    """A clone with its own files, on the server of the tests and the database that PGDATABASE names."""

    def __init__(self, folder: Path) -> None:
        """Make the clone, with a git repository."""
        self.folder = make_clone(folder / "waybill")
        self.data = folder / "documents"
        self.data.mkdir()

    def write(self, name: str, text: str) -> Path:
        """Write a file of documents, outside of the clone."""
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def waybill(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `waybill ARGUMENTS` in the clone."""
        return run_in(self.folder, ".venv/bin/waybill", *map(str, arguments), check=check, **self._variables())

    def bash(self, commands: str) -> str:
        """Run commands in the clone with its environment active, as far as the first that fails; return the output."""
        activated = f'PATH="$PWD/.venv/bin:$PATH"\n{commands}'
        return run_in(self.folder, "bash", "-euc", activated, **self._variables()).stdout

    def _variables(self) -> dict[str, str]:
        names = ("PGDATABASE", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "KAFKA_BOOTSTRAP_SERVERS")
        variables = {name: os.environ[name] for name in names if name in os.environ}
        return variables | {"WAYBILL_STATE": os.fspath(get_settings().state_folder)}

    def typed(self, line: str) -> str:
        """Run a command as it was printed, and return its output."""
        words = shlex.split(line)
        assert words[0].endswith("waybill"), line
        return self.waybill(*words[1:]).stdout

    def follow(self, output: str) -> list[str]:
        """Run the commands that `waybill new` printed last, and return their outputs."""
        return [self.typed(line) for line in next_commands(output)]


def next_commands(output: str) -> list[str]:
    """Return the commands at the end of an output of `waybill new`."""
    return [line.strip() for line in output.partition("\nNext\n")[2].splitlines() if line.startswith("  ")]
