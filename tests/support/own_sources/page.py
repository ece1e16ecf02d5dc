"""docs/your-own-json.md as commands to type and outputs to compare. It has two halves; each is followed in a clone."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.own_sources.clone import NewProject

PAGE = Path("docs/your-own-json.md")
STEP = re.compile(r"^```sh\n(.*?)^```\n(?:\s*(?:The answer:)?\s*^```\n(.*?)^```)?", re.M | re.S)
SECOND_HALF = "## A file for each month\n"  # it needs nothing of the first half
COMMIT = "git config user.name me && git config user.email me@localhost && git add -A && git commit -qm ."


def steps(text: str) -> list[tuple[str, list[str]]]:
    """Return each block of commands, with the lines of output that the page shows after it."""
    return [(commands, [line.rstrip() for line in shown.splitlines()]) for commands, shown in STEP.findall(text)]


def halves() -> tuple[str, str]:
    """Return the text of both halves of the page."""
    first, second = PAGE.read_text(encoding="utf-8").split(SECOND_HALF)
    return first, second


def follow(project: NewProject, text: str, database: str) -> dict[str, str]:
    """Type the commands of the page in a clone, and return their outputs; the page's database is called waybill.

    Raises:
        AssertionError: an output is not what the page shows.
    """
    project.bash(f"git init -q -b main && {COMMIT}")
    outputs = {}
    for commands, shown in steps(text):
        output = project.bash(commands.replace("--yes waybill", f"--yes {database}"))
        lines = [line.rstrip() for line in output.splitlines()]
        assert not shown or shown[0] in lines, f"{commands}\nprinted\n{output}"
        at = lines.index(shown[0]) if shown else 0
        assert lines[at : at + len(shown)] == shown, commands
        outputs[commands] = output
    return outputs
