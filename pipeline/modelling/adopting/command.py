"""`waybill adopt`: adds fields that arrived later to contract, models, tests, expectations and export of a source."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from typing import Any

import click

from pipeline.modelling.flag_options import decision_options, read_flags
from waybill.cli import run

EXPLAINED = """
Adds to a source that `waybill new` modelled what its documents have by now and its models do not: new fields, arrays
and maps, new values of enumerations, wider types (integer to bigint or numeric). All documents that have landed are
read. The next run fills the new columns for all of them.

What would stop being what it is, such as a number that would become text or jsonb, or an array whose table would go,
does not change unless you name its path: it is listed, with the files that use it, and its documents stay uncastable.

With POINTERs (paths as `waybill drift` and the report name them, `*` for elements, e.g. /lines/*/discount) only these
are adopted, and a path that exists already is decided again. Nothing else changes. A path that is left out
comes back if you name it.

Files that nobody edited are written again, all or none. If a file that has to change was edited, nothing is written:
the change is printed as a patch for `git apply`, and the command exits with 1.
"""


@click.command(help=f"Example: waybill adopt restaurants /grades/*/inspector\n\n{EXPLAINED}")
@click.argument("source")
@click.argument("pointers", nargs=-1, metavar="[POINTER]...")
@click.option("--dry-run", is_flag=True, help="Print everything, and write nothing.")
@decision_options
def adopt(source: str, pointers: tuple[str, ...], **given: Any) -> None:
    """Adopt fields of a source; the help text is EXPLAINED."""
    from pipeline.modelling.adopting.adopt_source import Asked, adopt_source

    adopt_source(Asked(source, pointers, read_flags(given), is_dry_run=given["dry_run"]))


if __name__ == "__main__":
    run(adopt, "adopt")
