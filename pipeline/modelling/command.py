"""`waybill new`: reads all documents of a new source, and adds everything that models it to the project."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from typing import Any

import click

from pipeline.errors import ModellingRefused
from pipeline.modelling.flag_options import decision_options, read_flags, require_pointer
from waybill.cli import run

EXPLAINED = """
SOURCE is the name that you give to this kind of documents. FILE is a file, a folder or `-`. All documents are read;
nothing is sampled. The command prints what it found and decided, each with its evidence, and adds ordinary files to
the project: declaration, contract, dbt models with tests, expectations and the export's schema. They are yours from
then on.

It only adds files, all or none, and never overwrites one: a second run prints what would differ. PATH is a JSON
pointer from the whole document, with `*` for the elements of an array and the members of a map, e.g. /grades/*/score.
"""


@click.command(help=f"Example: waybill new restaurants restaurants.ndjson\n\n{EXPLAINED}")
@click.argument("source")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--from-raw", is_flag=True, help="Read what has landed already, instead of files.")
@click.option("--write-declaration", is_flag=True, help="With --from-raw: change declaration and contract, too.")
@click.option("--dry-run", is_flag=True, help="Print everything, and write nothing.")
@click.option(
    "--layout",
    type=click.Choice(["ndjson", "array", "records", "document"]),
    help="How the documents are laid out in the files.",
)
@click.option("--records-at", metavar="PATH", help="Where the documents are, with layout `records`.")
@decision_options
@click.option("--dimension", "is_dimension", is_flag=True, help="Name the mart dim_SOURCE, and let others refer to it.")
def new(source: str, files: tuple[str, ...], **given: Any) -> None:
    """Model a new source; the help text is EXPLAINED."""
    from pipeline.modelling.new_source import Asked, model_source

    _require_consistent(files, given)
    flags = read_flags(given, is_dimension=given["is_dimension"])
    asked = Asked(
        source,
        files,
        flags,
        layout=given["layout"],
        records_at=given["records_at"],
        is_from_raw=given["from_raw"],
        writes_declaration=given["write_declaration"],
        is_dry_run=given["dry_run"],
    )
    model_source(asked)


def _require_consistent(files: tuple[str, ...], given: dict[str, Any]) -> None:
    if given["from_raw"] and files:
        raise ModellingRefused("--from-raw reads what has landed: name no files together with it")
    if given["from_raw"] and given["layout"]:
        raise ModellingRefused("--from-raw reads what has landed: leave --layout out")
    if given["write_declaration"] and not given["from_raw"]:
        raise ModellingRefused("--write-declaration changes a declaration that exists: use it with --from-raw")
    if given["records_at"] is not None and given["layout"] not in (None, "records"):
        raise ModellingRefused("--records-at needs layout `records`: remove it, or write --layout records")
    if given["records_at"]:
        require_pointer("--records-at", given["records_at"])


if __name__ == "__main__":
    run(new, "new")
