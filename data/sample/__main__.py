# waybill: sample
"""`python -m data.sample`: build the sample data."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from pathlib import Path

import click

from waybill.cli import run


@click.command(help="Example: python -m data.sample\n\nBuild the sample data; unchanged files are kept.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="The folder to build in. Default: data/raw."
)
@click.option("--small", is_flag=True, help="Write the small sample of `make demo` (one file) instead.")
def sample(out: Path | None, small: bool) -> None:
    """Build the sample, unless the folder already holds it byte for byte."""
    from data.sample.build import build, is_built
    from data.sample.small import SMALL, build_small
    from waybill.settings import get_settings, relative_name

    folder = out or get_settings().raw_folder
    name = relative_name(folder)
    if small:
        document, faults = build_small()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SMALL).write_bytes(document)
        click.echo(f"small sample: {len(document):,} bytes in {name}/{SMALL}, {len(faults)} faults planted")
        return
    if is_built(folder):
        click.echo(f"sample data: already in {name}")
        return
    click.echo(f"sample data: building {name} (a few seconds)", err=True)
    planted = build(folder)
    landed = sum(counts["landed"] for counts in planted["totals"].values())
    click.echo(
        f"sample data: {landed:,} documents in {len(planted['files'])} files, {len(planted['faults'])} faults planted"
    )


if __name__ == "__main__":
    run(sample, "python -m data.sample")
