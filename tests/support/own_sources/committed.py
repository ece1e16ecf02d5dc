"""A clone in a git repository with two sources of the user's own, `cafes` and `orders`, and their documents."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.support.own_sources.clone import NewProject

CAFES = [
    {"name": "Corner", "rooms": [{"size": 1}, {"size": 2}], "prices": {"tea": 1.5}},
    {"name": "Bridge", "rooms": [{"size": 3}], "prices": {"tea": 2.5}},
    {"name": "Bridge", "rooms": [], "prices": {"tea": 3.5}},
]
ORDERS = [{"id": f"o{number}", "lines": [{"sku": "a", "count": number}]} for number in range(3)]
WHO = ("-c", "user.name=A User", "-c", "user.email=user@example.org", "-c", "commit.gpgsign=false")
BOOKS = (
    "from pipeline.accounting import accounting; from warehouse.connection import engine\n"
    "with engine('reader').connect() as connection:\n"
    "    for one in accounting(connection): print(one.source, one.landed, one.undone, one.not_modelled, one.verdict)"
)


class CommittedProject(NewProject):
    """Both sources are modelled and committed. `cafes` has a value as its key, `orders` has a field."""

    def __init__(self, folder: Path) -> None:
        """Make the clone, the documents, the sources and the commit."""
        super().__init__(folder)
        self.cafes = self.write("cafes.ndjson", "".join(f"{json.dumps(one)}\n" for one in CAFES))
        self.orders = self.write("orders.ndjson", "".join(f"{json.dumps(one)}\n" for one in ORDERS))
        self.waybill("new", "cafes", self.cafes)
        self.waybill("new", "orders", self.orders, "--key", "/id")
        self.git("init", "-q", "-b", "main")
        self.commit()

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        command = ["git", *WHO, *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        """Commit all files."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "my own sources")

    def load(self) -> str:
        """Load the documents of both sources, and return the last lines of the outputs."""
        outputs = [
            self.waybill("load", name, path).stdout for name, path in (("cafes", self.cafes), ("orders", self.orders))
        ]
        return "".join(output.splitlines(keepends=True)[-1] for output in outputs)

    def build(self, *tags: str) -> str:
        """Build the models of sources."""
        return self.waybill("dbt", "build", "--select", *(f"tag:{tag}" for tag in tags)).stdout

    def books(self) -> list[str]:
        """Return the accounts of all sources, by the clone's own code."""
        return self.bash(f'python -c "{BOOKS}"').splitlines()

    def sources_files(self, source: str) -> list[str]:
        """Return the files in git whose text or name names a source."""
        named = self.git("grep", "-l", f"waybill new {source}").splitlines()
        return sorted({*named, *(name for name in self.git("ls-files").splitlines() if source in name)})
