"""The command `waybill sources`: lists the declared sources and keeps the files that dbt reads from them current."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from loader.declarations import read_source, source_names
from pipeline.dbt.sources_yml import changed_files, modelled_sources, redefined_sources, write_files
from waybill.cli import run, shown_command
from waybill.settings import relative_name


@click.command()
@click.option("--write", is_flag=True, help="Rewrite the generated files that differ from the declarations.")
def sources(write: bool) -> int:
    """List the declared sources, and whether the files that pass them to dbt are current.

    \b
    Example: waybill sources --write

    A source is declared in loader/sources/<source>.yml. dbt reads its key, version, missing texts and withdrawal from
    _raw_<source>.yml below dbt_project/models, which this command generates. Exits 1 if such a file is not current.
    """
    modelled = modelled_sources()
    for name in source_names():
        source = read_source(name)
        state = "modelled" if name in modelled else "not modelled"
        click.echo(f"{name:<12} {state:<13} key {', '.join(source.key)}; version {source.version}")
    if write:
        redefined = redefined_sources()
        for path in write_files():
            click.echo(f"{'rewritten' if path.exists() else 'removed'}: {relative_name(path)}")
        if redefined:
            click.echo(
                f"key, version, missing texts or withdrawal changed for {', '.join(redefined)}: the next "
                f"`{shown_command('dbt build')}` or run rebuilds what is made from their documents"
            )
        return 0
    changed = changed_files()
    for path in changed:
        click.echo(f"differs from loader/sources: {relative_name(path)}; run `{shown_command('sources --write')}`")
    return 1 if changed else 0


if __name__ == "__main__":
    run(sources, "sources")
